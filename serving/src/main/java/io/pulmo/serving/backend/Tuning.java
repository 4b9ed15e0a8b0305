package io.pulmo.serving.backend;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.model.bundle.Bundle;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The execution plans that were measured as the best for a bundle on a machine: a file beside the
 * bundle's folder, since it is the machine's affair and no part of the bundle.
 *
 * @param format of the file, {@value #FORMAT}
 * @param bundle the digest of the bundle that was measured
 * @param processor its name
 * @param threads how many computed
 * @param openVino the runtime's version
 * @param plans by the label of the mode
 */
public record Tuning(
    int format,
    String bundle,
    String processor,
    int threads,
    String openVino,
    Map<String, ExecutionPlan> plans) {
  /** The only format. */
  public static final int FORMAT = 1;

  private static final int LONGEST_BYTES = 1 << 16;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  /** Checks the format and that the plans are of modes that have plans. */
  public Tuning {
    if (format != FORMAT) {
      throw new IllegalArgumentException("format is " + format + ", expected " + FORMAT);
    }
    for (String label : plans.keySet()) {
      if (Mode.ofLabel(label) == Mode.TORCH) {
        throw new IllegalArgumentException("plans has '" + label + "', expected fp32 and int8");
      }
    }
    plans = Map.copyOf(plans);
  }

  /** Where the file of a bundle is. */
  public static Path fileOf(Bundle bundle) {
    Path folder = bundle.folder().toAbsolutePath().normalize();
    return folder.resolveSibling(folder.getFileName() + ".tuning.json");
  }

  /**
   * Reads a file strictly; nothing if there is none.
   *
   * @throws IOException if it cannot be read or understood
   */
  public static Optional<Tuning> read(Path file) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + " is no file");
    }
    byte[] json;
    try (InputStream in = Files.newInputStream(file)) {
      json = in.readNBytes(LONGEST_BYTES + 1);
    }
    if (json.length > LONGEST_BYTES) {
      throw new IOException(file + " is longer than " + LONGEST_BYTES + " bytes");
    }
    try {
      Tuning tuning = MAPPER.readValue(json, Tuning.class);
      if (tuning == null) {
        throw new IOException(file + " holds null, expected an object");
      }
      return Optional.of(tuning);
    } catch (JsonProcessingException e) {
      throw new IOException(
          file + ": " + e.getOriginalMessage().lines().findFirst().orElse("not JSON"), e);
    }
  }

  /** Writes the file of a bundle, whole or not at all. */
  public void write(Path file) throws IOException {
    Path unfinished = file.resolveSibling("." + file.getFileName() + ".tmp");
    Map<String, Object> json = new TreeMap<>();
    json.put("format", format);
    json.put("bundle", bundle);
    json.put("processor", processor);
    json.put("threads", threads);
    json.put("openVino", openVino);
    json.put("plans", new TreeMap<>(plans));
    Files.write(unfinished, MAPPER.writeValueAsBytes(json));
    Files.move(
        unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Why it does not hold for a machine: empty if it does, or what was another when measured. */
  public Optional<String> staleFor(
      String bundleNow, String processorNow, int threadsNow, String openVinoNow) {
    record Same(String what, Object then, Object now) {}
    for (Same same :
        List.of(
            new Same("bundle", bundle, bundleNow),
            new Same("processor", processor, processorNow),
            new Same("threads", threads, threadsNow),
            new Same("OpenVINO", openVino, openVinoNow))) {
      if (!same.then.equals(same.now)) {
        return Optional.of(
            "it was measured with the " + same.what + " " + same.then + ", here it is " + same.now);
      }
    }
    return Optional.empty();
  }

  /** The plan of a mode, if it was measured. */
  public Optional<ExecutionPlan> plan(Mode mode) {
    return Optional.ofNullable(plans.get(mode.label()));
  }
}
