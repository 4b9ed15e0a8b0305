package io.pulmo.bench;

import io.pulmo.bench.Event.Begin;
import io.pulmo.bench.Event.Stage;
import io.pulmo.bench.Event.Who;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What computes the figures of a bench of preprocessing, from its events alone.
 *
 * <p>The figure of an image is the median over the rounds; that of several images is the mean of
 * theirs.
 */
final class BenchVerifier {
  private static final double NANOS_PER_MILLI = 1e6;

  private record Image(String kind, String name) {}

  private record Timed(Image image, Who who, Stage stage) {}

  private final SequencedMap<Image, @Nullable Double> differences = new LinkedHashMap<>();
  private final Map<Timed, long[]> nanos = new HashMap<>();
  private @Nullable Begin begin;

  private BenchVerifier() {}

  /**
   * The figures of a file of events.
   *
   * @throws CommandFailure if a line is wrong, or an event is missing
   */
  static Figures figures(Path events) throws IOException {
    BenchVerifier verifier = new BenchVerifier();
    EventsFile.read(events, Event.class, verifier::take);
    try {
      return verifier.figures();
    } catch (IllegalArgumentException e) {
      throw CommandFailure.work(events + ": " + e.getMessage() + "; run the bench again");
    }
  }

  private void take(Event event) {
    Begin known = begin;
    switch (event) {
      case Begin first -> {
        require(known == null, "a second beginning");
        begin = first;
      }
      case Event.Time time -> {
        Begin run = present(known, "the first event is no beginning");
        require(
            time.round() <= run.rounds(),
            "round " + time.round() + " of " + run.rounds() + " rounds");
        require(time.who() == Who.PULMO || run.peer() != null, "a peer's time without a peer");
        Image image = new Image(time.kind(), time.image());
        differences.putIfAbsent(image, null);
        require(differences.size() <= run.images(), "more than " + run.images() + " images");
        long[] rounds =
            nanos.computeIfAbsent(
                new Timed(image, time.who(), time.stage()), key -> new long[run.rounds()]);
        require(rounds[time.round() - 1] == 0, "a time that was given before");
        rounds[time.round() - 1] = time.nanos();
      }
      case Event.Difference difference -> {
        Image image = new Image(difference.kind(), difference.image());
        require(differences.containsKey(image), "a difference of an image that was not timed");
        require(differences.put(image, difference.most()) == null, "a second difference");
      }
    }
  }

  private static void require(boolean so, String otherwise) {
    if (!so) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  private static <T> T present(@Nullable T value, String otherwise) {
    if (value == null) {
      throw new IllegalArgumentException(otherwise);
    }
    return value;
  }

  private Figures figures() {
    Begin known = present(begin, "it is empty");
    require(
        differences.size() == known.images(),
        "events of " + differences.size() + " images, expected " + known.images());
    SequencedMap<String, Figures.Group> kinds = new LinkedHashMap<>();
    for (String kind : differences.keySet().stream().map(Image::kind).distinct().toList()) {
      kinds.put(
          kind,
          group(
              known,
              differences.keySet().stream().filter(image -> image.kind().equals(kind)).toList()));
    }
    return new Figures(known, group(known, List.copyOf(differences.keySet())), kinds);
  }

  private Figures.Group group(Begin begin, List<Image> images) {
    Map<Who, Map<Stage, Double>> millis = new LinkedHashMap<>();
    OptionalDouble difference = OptionalDouble.empty();
    for (Who who : begin.peer() == null ? List.of(Who.PULMO) : List.of(Who.values())) {
      Map<Stage, Double> stages = new LinkedHashMap<>();
      for (Stage stage : Stage.values()) {
        double sum = 0;
        for (Image image : images) {
          sum += median(new Timed(image, who, stage)) / NANOS_PER_MILLI;
        }
        stages.put(stage, sum / images.size());
      }
      millis.put(who, stages);
    }
    if (begin.peer() != null) {
      double most = 0;
      for (Image image : images) {
        most = Math.max(most, present(differences.get(image), "no difference of " + image.name()));
      }
      difference = OptionalDouble.of(most);
    }
    return new Figures.Group(images.size(), millis, difference);
  }

  private double median(Timed timed) {
    String missing = "not every round of " + timed.image().name() + " has its time";
    long[] sorted = present(nanos.get(timed), missing).clone();
    require(Arrays.stream(sorted).noneMatch(time -> time == 0), missing);
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2.0;
  }
}
