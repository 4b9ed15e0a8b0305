package io.pulmo.model.ledger;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.model.ledger.Ledger.Part;
import io.pulmo.model.ledger.Ledger.Span;
import io.pulmo.model.view.ViewJournal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A ledger as JSON, with the number of steps that it tells of. Members are written once and named
 * by their number: a view of eight takes some fifty bytes.
 *
 * @param ledger who computed what
 * @param steps taken since the job's start
 */
public record LedgerFile(Ledger ledger, long steps) {
  /** The longest that is read. */
  public static final int MOST_BYTES = 1 << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(8).build())
                  .build())
          .build();

  /** The JSON: equal ledgers give equal bytes. */
  public byte[] toJson() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeNumberField("samples", ledger.sampler().samples());
      json.writeNumberField("batch", ledger.sampler().batch());
      json.writeNumberField("seed", ledger.sampler().seed());
      json.writeNumberField("steps", steps);
      Map<Part, Integer> numbers = writeMembers(json);
      json.writeArrayFieldStart("views");
      for (Span span : ledger.spans()) {
        json.writeStartObject();
        json.writeNumberField("view", span.view());
        json.writeNumberField("leader_epoch", span.leaderEpoch());
        json.writeNumberField("from_step", span.fromStep());
        json.writeArrayFieldStart("shares");
        for (Part part : span.parts()) {
          json.writeStartArray();
          json.writeNumber(numbers.getOrDefault(withoutShare(part), -1));
          json.writeNumber(part.share());
          json.writeEndArray();
        }
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeArrayFieldStart("restores");
      for (ViewJournal.Restore restore : ledger.restores()) {
        json.writeStartArray();
        json.writeNumber(restore.view());
        json.writeNumber(restore.toStep());
        json.writeNumber(restore.fromStep());
        json.writeEndArray();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    }
    return bytes.toByteArray();
  }

  private Map<Part, Integer> writeMembers(JsonGenerator json) throws IOException {
    Map<Part, Integer> numbers = new LinkedHashMap<>();
    json.writeArrayFieldStart("members");
    for (Span span : ledger.spans()) {
      for (Part part : span.parts()) {
        Part member = withoutShare(part);
        if (numbers.putIfAbsent(member, numbers.size()) == null) {
          json.writeStartArray();
          json.writeString(member.memberId());
          json.writeString(member.name());
          json.writeEndArray();
        }
      }
    }
    json.writeEndArray();
    return numbers;
  }

  private static Part withoutShare(Part part) {
    return new Part(part.memberId(), part.name(), 0);
  }

  /**
   * Reads what {@link #toJson} writes, and nothing else.
   *
   * @throws IOException naming what is wrong
   */
  public static LedgerFile parse(byte[] json) throws IOException {
    if (json.length > MOST_BYTES) {
      throw new IOException(
          "the ledger has %d bytes, expected at most %d".formatted(json.length, MOST_BYTES));
    }
    try {
      LedgerFile read = of(JSON.readTree(json));
      // Whatever is missing, surplus, doubled or of another kind shows here.
      if (!Arrays.equals(read.toJson(), json)) {
        throw new IOException("the ledger is not as Pulmo writes it: a key too many or too few");
      }
      return read;
    } catch (IllegalArgumentException e) {
      throw new IOException("the ledger cannot be: " + e.getMessage(), e);
    }
  }

  private static LedgerFile of(JsonNode json) {
    List<Part> members = new ArrayList<>();
    for (JsonNode member : json.path("members")) {
      members.add(new Part(member.path(0).asText(), member.path(1).asText(), 0));
    }
    List<Span> spans = new ArrayList<>();
    for (JsonNode view : json.path("views")) {
      List<Part> parts = new ArrayList<>();
      for (JsonNode pair : view.path("shares")) {
        int number = pair.path(0).asInt(-1);
        if (number < 0 || number >= members.size()) {
          throw new IllegalArgumentException(
              "view %s names member %s of %d"
                  .formatted(view.path("view"), pair.path(0), members.size()));
        }
        Part member = members.get(number);
        parts.add(new Part(member.memberId(), member.name(), pair.path(1).asInt()));
      }
      spans.add(
          new Span(
              view.path("view").asLong(),
              view.path("leader_epoch").asLong(),
              view.path("from_step").asLong(),
              parts));
    }
    List<ViewJournal.Restore> restores = new ArrayList<>();
    for (JsonNode restore : json.path("restores")) {
      restores.add(
          new ViewJournal.Restore(
              restore.path(0).asLong(), restore.path(1).asLong(), restore.path(2).asLong()));
    }
    Sampler sampler =
        new Sampler(
            json.path("samples").asInt(), json.path("batch").asInt(), json.path("seed").asLong());
    return new LedgerFile(new Ledger(sampler, spans, restores), json.path("steps").asLong());
  }
}
