package io.pulmo.bench;

import io.pulmo.bench.ModesEvent.Begin;
import io.pulmo.bench.ModesEvent.Difference;
import io.pulmo.bench.ModesEvent.LeftOut;
import io.pulmo.bench.ModesEvent.Time;
import io.pulmo.bench.ModesEvent.What;
import io.pulmo.bench.ModesEvent.Who;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What computes the figures of a bench of modes, from its events alone.
 *
 * <p>Seconds a study are the median over the rounds. A ratio of two is the median of the rounds'
 * ratios: both were measured in each round, one soon after the other, so what else the machine did
 * meanwhile weighs on both.
 */
final class ModesVerifier {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final int MOST_NOTES = 100;

  private final SequencedMap<ModesFigures.Key, double[]> seconds = new LinkedHashMap<>();
  private final List<LeftOut> leftOut = new ArrayList<>();
  private final List<Difference> differences = new ArrayList<>();
  private @Nullable Begin begin;

  private ModesVerifier() {}

  /**
   * The figures of a file of events.
   *
   * @throws CommandFailure if a line is wrong, or an event is missing
   */
  static ModesFigures figures(Path events) throws IOException {
    ModesVerifier verifier = new ModesVerifier();
    EventsFile.read(events, ModesEvent.class, verifier::take);
    try {
      return verifier.figures();
    } catch (IllegalArgumentException e) {
      throw CommandFailure.work(events + ": " + e.getMessage() + "; run the bench again");
    }
  }

  private void take(ModesEvent event) {
    Begin known = begin;
    switch (event) {
      case Begin first -> {
        require(known == null, "a second beginning");
        begin = first;
      }
      case LeftOut left -> {
        begun(left.who());
        require(leftOut.size() < MOST_NOTES, "more than " + MOST_NOTES + " modes left out");
        leftOut.add(left);
      }
      case Time time -> {
        Begin run = begun(time.who());
        require(
            time.round() <= run.rounds(),
            "round " + time.round() + " of " + run.rounds() + " rounds");
        require(
            (time.what() == What.END_TO_END) == run.endToEnd(),
            time.what().label() + " in a bench of another kind");
        double[] rounds =
            seconds.computeIfAbsent(
                new ModesFigures.Key(time.who(), time.mode(), time.what()),
                key -> new double[run.rounds()]);
        require(rounds[time.round() - 1] == 0, "a time that was given before");
        rounds[time.round() - 1] = time.nanos() / NANOS_PER_SECOND / time.studies();
      }
      case Difference difference -> {
        begun(difference.who());
        begun(difference.from());
        require(differences.size() < MOST_NOTES, "more than " + MOST_NOTES + " differences");
        differences.add(difference);
      }
    }
  }

  private Begin begun(Who who) {
    Begin run = begin;
    if (run == null) {
      throw new IllegalArgumentException("the first event is no beginning");
    }
    require(who == Who.PULMO || run.peer() != null, "a peer's event without a peer");
    return run;
  }

  private static void require(boolean so, String otherwise) {
    if (!so) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  private ModesFigures figures() {
    Begin known = begin;
    if (known == null) {
      throw new IllegalArgumentException("it is empty");
    }
    require(!seconds.isEmpty(), "nothing was timed");
    seconds.forEach(
        (key, rounds) ->
            require(
                Arrays.stream(rounds).noneMatch(time -> time == 0),
                "not every round of " + key + " has its time"));
    return new ModesFigures(known, seconds, leftOut, differences);
  }
}
