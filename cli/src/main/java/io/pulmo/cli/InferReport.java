package io.pulmo.cli;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.pulmo.cli.terminal.FindingsTable;
import io.pulmo.client.Analysis;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is told of images as they are answered or refused: tables on standard output, errors on
 * standard error, and both in a JSON file.
 *
 * <p>Nothing is kept in memory. The JSON file appears whole, at the end. Safe for use by many
 * threads.
 */
final class InferReport implements AutoCloseable {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().disable(SerializationFeature.FLUSH_AFTER_WRITE_VALUE);

  private final String mode;
  private final @Nullable Json json;
  private long refused;

  /**
   * Begins.
   *
   * @param json the JSON file, if one is asked for
   * @throws IOException if there is no room for it
   */
  InferReport(String mode, Optional<Path> json) throws IOException {
    this.mode = mode;
    this.json = json.isPresent() ? new Json(json.get().toAbsolutePath()) : null;
  }

  /** An image has its probabilities. */
  synchronized void answered(String file, Analysis analysis) {
    System.out.print(FindingsTable.of(file, analysis));
    if (json == null) {
      return;
    }
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("file", file);
    row.put("mode", mode);
    row.put("probabilities", analysis.probabilities());
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("name", analysis.modelName());
    model.put("version", analysis.modelVersion());
    model.put("digest", analysis.modelDigest());
    model.put("precision", mode);
    analysis.weightRange().ifPresent(range -> model.put("weights", range.label()));
    row.put("model", model);
    json.write(json.images, row);
  }

  /** An image has none, for a reason in words. */
  synchronized void refused(String file, String error) {
    refused++;
    System.err.println("pulmo: " + file + ": " + error);
    if (json != null) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("file", file);
      row.put("error", error);
      json.write(json.errors, row);
    }
  }

  /** Whether none was refused. */
  synchronized boolean allAnswered() {
    return refused == 0;
  }

  /** Puts the JSON file in its place. */
  @Override
  public synchronized void close() throws IOException {
    if (json != null) {
      json.finish();
    }
  }

  /** The JSON file in the making: its images, and apart from them the errors, which come after. */
  private static final class Json {
    final Path file;
    final Path imagesFile;
    final Path errorsFile;
    final JsonGenerator images;
    final JsonGenerator errors;

    Json(Path file) throws IOException {
      this.file = file;
      imagesFile = file.resolveSibling(file.getFileName() + ".tmp");
      errorsFile = file.resolveSibling(file.getFileName() + ".errors.tmp");
      images = MAPPER.createGenerator(imagesFile.toFile(), JsonEncoding.UTF8);
      errors = MAPPER.createGenerator(errorsFile.toFile(), JsonEncoding.UTF8);
      images.useDefaultPrettyPrinter();
      images.writeStartObject();
      images.writeArrayFieldStart("images");
    }

    void write(JsonGenerator to, Map<String, Object> row) {
      try {
        MAPPER.writeValue(to, row);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot write " + file + ": " + e.getMessage(), e);
      }
    }

    void finish() throws IOException {
      errors.close();
      images.writeEndArray();
      images.writeArrayFieldStart("errors");
      try (MappingIterator<Object> rows =
          MAPPER.readerFor(Object.class).readValues(errorsFile.toFile())) {
        while (rows.hasNextValue()) {
          MAPPER.writeValue(images, rows.nextValue());
        }
      }
      images.writeEndArray();
      images.writeEndObject();
      images.close();
      Files.delete(errorsFile);
      Files.move(
          imagesFile, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
