package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.bench.Event.Stage;
import io.pulmo.bench.Event.Who;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BenchVerifierTest {
  private static final String TIME =
      "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":5}";

  private final Path file;

  BenchVerifierTest(@TempDir Path directory) {
    file = directory.resolve("events");
  }

  @Test
  void figures_oddAndEvenRounds_areTheMeanOfTheImagesMedians() throws Exception {
    write(events(3, List.of("a", "b"), false));
    assertEquals(
        (nanos(2, "a") + nanos(2, "b")) / 2e6,
        BenchVerifier.figures(file).all().millis(Who.PULMO, Stage.TOTAL),
        1e-9);

    write(events(2, List.of("a"), false));
    assertEquals(
        (nanos(1, "a") + nanos(2, "a")) / 2e6,
        BenchVerifier.figures(file).all().millis(Who.PULMO, Stage.TOTAL),
        1e-9);
  }

  @Test
  void figures_withAPeer_haveRatioAndLargestDifference() throws Exception {
    write(events(3, List.of("a", "b"), true));

    Figures figures = BenchVerifier.figures(file);

    assertEquals(0.5, figures.all().ratio(), 1e-9);
    assertEquals(0.25, figures.all().difference().orElseThrow());
    assertEquals(figures.json().get("ratio"), figures.all().ratio());
    assertTrue(figures.text().contains("0.500"), figures.text());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{}",
        "no json",
        "{\"event\":\"cup of tea\"}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\"}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":0}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":1.5}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":\"5\"}",
        "{\"event\":\"time\",\"who\":\"nobody\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":5}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":5,\"more\":1}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":5} {}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":5}",
        "{\"event\":\"time\",\"who\":\"pulmo\",\"kind\":\"real\",\"image\":\"a\",\"round\":9,\"stage\":\"total\",\"nanos\":5}",
        "{\"event\":\"time\",\"who\":\"peer\",\"kind\":\"real\",\"image\":\"a\",\"round\":1,\"stage\":\"total\",\"nanos\":5}",
        "{\"event\":\"difference\",\"kind\":\"real\",\"image\":\"b\",\"most\":0}",
        "{\"event\":\"difference\",\"kind\":\"real\",\"image\":\"a\",\"most\":-1}",
      })
  void read_badLine_isNamedByItsNumber(String bad) throws Exception {
    List<Event> events = events(3, List.of("a"), false);
    write(events);
    List<String> lines = new ArrayList<>(Files.readAllLines(file));
    lines.add(bad);
    Files.write(file, lines);

    refused("line " + (events.size() + 1) + ":");
  }

  @ParameterizedTest
  @CsvSource({"1,no beginning", "2,has its time"})
  void read_missingLine_isRefused(int line, String why) throws Exception {
    write(events(3, List.of("a"), false));
    List<String> lines = new ArrayList<>(Files.readAllLines(file));
    lines.remove(line - 1);
    Files.write(file, lines);

    refused(why);
  }

  @Test
  void read_timeGivenTwice_isRefused() throws Exception {
    write(events(3, List.of("a"), false));
    Files.writeString(file, Files.readString(file) + TIME + "\n");

    refused("given before");
  }

  @Test
  void read_fileCutOff_isRefused() throws Exception {
    write(events(3, List.of("a"), false));
    Files.writeString(file, Files.readString(file).stripTrailing());

    refused("cut off");
  }

  @Test
  void read_lineWithoutEnd_isRefusedBeforeItIsRead() throws Exception {
    Files.writeString(file, "x".repeat(10_000_000));

    refused("line 1: over 4096 characters");
  }

  @Test
  void read_moreTimesThanThereIsRoomFor_isRefused() throws Exception {
    Files.writeString(
        file,
        "{\"event\":\"begin\",\"format\":\""
            + Event.FORMAT
            + "\",\"images\":100000,\"rounds\":100000,\"cpu\":null,\"java\":\"25\",\"peer\":null}\n");

    refused("product of at most");
  }

  private void refused(String why) {
    CommandFailure refused = assertThrows(CommandFailure.class, () -> BenchVerifier.figures(file));
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains(why), message);
    assertTrue(message.startsWith(file.toString()), message);
  }

  private void write(List<Event> events) throws IOException {
    try (EventsFile out = EventsFile.create(file)) {
      for (Event event : events) {
        out.add(event);
      }
    }
  }

  /** Time of a round: rounds take 100, 200, 300 ... ns, image b ten times as long as a. */
  private static long nanos(int round, String image) {
    return 100L * round * (image.equals("b") ? 10 : 1);
  }

  private static List<Event> events(int rounds, List<String> images, boolean peer) {
    List<Event> events = new ArrayList<>();
    events.add(
        new Event.Begin(Event.FORMAT, images.size(), rounds, 1, "25", peer ? "torch" : null));
    for (int round = rounds; round >= 1; round--) {
      for (String image : images) {
        for (Who who : peer ? Who.values() : new Who[] {Who.PULMO}) {
          for (Stage stage : Stage.values()) {
            long nanos = nanos(round, image) * (who == Who.PEER ? 2 : 1);
            events.add(new Event.Time(who, "real", image, round, stage, nanos));
          }
        }
      }
    }
    if (peer) {
      for (String image : images) {
        events.add(new Event.Difference("real", image, image.equals("b") ? 0.25 : 0.125));
      }
    }
    return events;
  }
}
