package io.pulmo.bench;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;

/** A file of raw events, one of JSON a line: written as they happen, read strictly. */
final class EventsFile implements AutoCloseable {
  private static final int MAX_LINE_CHARACTERS = 4096;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .build();

  private final FileChannel channel;
  private final BufferedWriter out;

  private EventsFile(FileChannel channel) {
    this.channel = channel;
    this.out = new BufferedWriter(Channels.newWriter(channel, StandardCharsets.UTF_8));
  }

  /** Begins a file; one of that name is replaced. */
  static EventsFile create(Path file) throws IOException {
    return new EventsFile(
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE));
  }

  /** Adds an event of the bench's kind. */
  void add(Object event) throws IOException {
    out.write(MAPPER.writeValueAsString(event));
    out.write('\n');
  }

  /** Returns once all that was added is on the disk. */
  void sync() throws IOException {
    out.flush();
    channel.force(false);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  /**
   * Which bench wrote a file: the format that its first line tells.
   *
   * @throws CommandFailure if it tells none
   */
  static String format(Path file) throws IOException {
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      return MAPPER.readTree(line(in)).path("format").asText();
    } catch (JsonProcessingException e) {
      throw bad(file, 1, e.getOriginalMessage());
    } catch (CharacterCodingException e) {
      throw bad(file, 1, "not UTF-8");
    }
  }

  /**
   * Reads a file from its first event to its last.
   *
   * @param kind of events
   * @param events may refuse an event with an {@link IllegalArgumentException}
   * @throws CommandFailure if a line is no event, or is refused; the message names its number
   */
  static <E> void read(Path file, Class<E> kind, Consumer<E> events) throws IOException {
    long number = 0;
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      for (String line = line(in); !line.isEmpty(); line = line(in)) {
        number++;
        events.accept(event(line, kind));
      }
    } catch (JsonProcessingException e) {
      throw bad(file, number, e.getOriginalMessage());
    } catch (IllegalArgumentException e) {
      throw bad(file, number, String.valueOf(e.getMessage()));
    } catch (CharacterCodingException e) {
      throw bad(file, number + 1, "not UTF-8");
    }
  }

  private static <E> E event(String line, Class<E> kind) throws JsonProcessingException {
    if (!line.endsWith("\n")) {
      throw new IllegalArgumentException(
          line.length() > MAX_LINE_CHARACTERS
              ? "over " + MAX_LINE_CHARACTERS + " characters"
              : "without an end: the file was cut off");
    }
    E event = MAPPER.readValue(line, kind);
    if (event == null) {
      throw new IllegalArgumentException("null, expected an event");
    }
    return event;
  }

  /** The next line with its end, cut where it is too long; empty at the end of the file. */
  private static String line(BufferedReader in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next >= 0; next = in.read()) {
      line.append((char) next);
      if (next == '\n' || line.length() > MAX_LINE_CHARACTERS) {
        break;
      }
    }
    return line.toString();
  }

  private static CommandFailure bad(Path file, long number, String why) {
    return CommandFailure.work(
        file
            + " line "
            + number
            + ": "
            + why.lines().findFirst().orElse("")
            + "; expected the events of a bench, as it wrote them");
  }
}
