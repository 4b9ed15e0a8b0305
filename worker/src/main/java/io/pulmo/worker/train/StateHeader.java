package io.pulmo.worker.train;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.LedgerFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Everything of a training state but its arrays' values, as JSON. The randomness to come is in it
 * too: it follows from the ledger's seed, the epoch and the step.
 *
 * @param ledger who computed what; its steps are the state's
 * @param epoch epochs finished
 * @param learningRate of the next step
 * @param optimizer the rule
 * @param optimizerSteps steps that it has taken
 * @param bestEpoch −1 before the first epoch's end
 * @param bestAuc NaN if it has none
 * @param bestLoss of the best epoch
 * @param lowestLoss of any epoch
 * @param arrays the arrays' lengths by name, in their order
 */
public record StateHeader(
    LedgerFile ledger,
    int epoch,
    double learningRate,
    JobSpec.Optimizer.Kind optimizer,
    long optimizerSteps,
    int bestEpoch,
    double bestAuc,
    double bestLoss,
    double lowestLoss,
    SequencedMap<String, Integer> arrays) {
  /** The longest that is read. */
  public static final int MOST_BYTES = 1 << 20;

  private static final String FORMAT = "pulmo-state-1";

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(8).build())
                  .build())
          .build();

  /** Copies the map. */
  public StateHeader {
    arrays = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(arrays));
  }

  /** The JSON: equal headers give equal bytes. */
  byte[] toJson() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("format", FORMAT);
      json.writeNumberField("epoch", epoch);
      // As texts: JSON has no NaN and no infinity.
      json.writeStringField("learning_rate", Double.toString(learningRate));
      json.writeStringField("optimizer", optimizer.name().toLowerCase(Locale.ROOT));
      json.writeNumberField("optimizer_steps", optimizerSteps);
      json.writeNumberField("best_epoch", bestEpoch);
      json.writeStringField("best_auc", Double.toString(bestAuc));
      json.writeStringField("best_loss", Double.toString(bestLoss));
      json.writeStringField("lowest_loss", Double.toString(lowestLoss));
      json.writeArrayFieldStart("arrays");
      for (Map.Entry<String, Integer> array : arrays.entrySet()) {
        json.writeStartArray();
        json.writeString(array.getKey());
        json.writeNumber(array.getValue());
        json.writeEndArray();
      }
      json.writeEndArray();
      json.writeFieldName("ledger");
      json.writeRawValue(new String(ledger.toJson(), StandardCharsets.UTF_8));
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    }
    return bytes.toByteArray();
  }

  /**
   * Reads the header of a state, as its holder sent or stored it.
   *
   * @throws IOException naming what is wrong
   */
  public static StateHeader parse(byte[] json) throws IOException {
    if (json.length > MOST_BYTES) {
      throw new IOException(
          "the state's header has %d bytes, expected at most %d"
              .formatted(json.length, MOST_BYTES));
    }
    StateHeader read;
    try {
      read = of(JSON.readTree(json));
    } catch (IllegalArgumentException e) {
      throw new IOException("the state's header cannot be: " + e.getMessage(), e);
    }
    // Whatever is missing, surplus, doubled or of another kind shows here.
    if (!Arrays.equals(read.toJson(), json)) {
      throw new IOException(
          "the state's header is not as this version writes it, %s: its holder runs another version of Pulmo, or it was altered"
              .formatted(FORMAT));
    }
    return read;
  }

  private static StateHeader of(JsonNode json) throws IOException {
    SequencedMap<String, Integer> arrays = new LinkedHashMap<>();
    for (JsonNode array : json.path("arrays")) {
      int length = array.path(1).asInt(-1);
      if (length < 0) {
        throw new IllegalArgumentException("the length of an array is " + array.path(1));
      }
      arrays.put(array.path(0).asText(), length);
    }
    return new StateHeader(
        LedgerFile.parse(JSON.writeValueAsBytes(json.path("ledger"))),
        json.path("epoch").asInt(),
        Double.parseDouble(json.path("learning_rate").asText()),
        JobSpec.Optimizer.Kind.valueOf(json.path("optimizer").asText().toUpperCase(Locale.ROOT)),
        json.path("optimizer_steps").asLong(),
        json.path("best_epoch").asInt(),
        Double.parseDouble(json.path("best_auc").asText()),
        Double.parseDouble(json.path("best_loss").asText()),
        Double.parseDouble(json.path("lowest_loss").asText()),
        arrays);
  }

  /** Refuses a state of another network, before anything of its size is made room for. */
  public void require(int learned, int statistics) throws IOException {
    Integer ownLearned = arrays.get(TrainingState.LEARNED);
    Integer ownStatistics = arrays.get(TrainingState.STATISTICS);
    if (ownLearned == null
        || ownLearned != learned
        || ownStatistics == null
        || ownStatistics != statistics
        || !arrays.equals(TrainingState.lengths(optimizer, learned, statistics))) {
      throw new IOException(
          "the state has arrays %s, expected those of a network of %d weights and %d statistics: it is of another job"
              .formatted(arrays, learned, statistics));
    }
  }
}
