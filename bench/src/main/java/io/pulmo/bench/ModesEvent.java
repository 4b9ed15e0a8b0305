package io.pulmo.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.pulmo.serving.backend.ExecutionPlan;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What happened in a bench of modes: a line of its file of events. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
@JsonSubTypes({
  @JsonSubTypes.Type(value = ModesEvent.Begin.class, name = "begin"),
  @JsonSubTypes.Type(value = ModesEvent.LeftOut.class, name = "left_out"),
  @JsonSubTypes.Type(value = ModesEvent.Time.class, name = "time"),
  @JsonSubTypes.Type(value = ModesEvent.Difference.class, name = "difference")
})
sealed interface ModesEvent {
  /** The format of these files. */
  String FORMAT = "pulmo bench modes 1";

  /** Who did it. */
  enum Who {
    @JsonProperty("pulmo")
    PULMO,
    @JsonProperty("peer")
    PEER
  }

  /** What computed it. */
  enum Mode {
    @JsonProperty("torch")
    TORCH,
    @JsonProperty("fp32")
    FP32,
    @JsonProperty("int8")
    INT8;

    /** As users and files spell it. */
    String label() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** What was timed. */
  enum What {
    /** As many studies at a time as keep the machine busy. */
    @JsonProperty("throughput")
    THROUGHPUT,
    /** One study and nothing else. */
    @JsonProperty("lone")
    LONE,
    /** One study in requests of 10, 5, 2 or 1 crops, whichever is the fastest: a peer's alone. */
    @JsonProperty("best_split")
    BEST_SPLIT,
    /** From an image's bytes to its findings, as many at a time as keep the machine busy. */
    @JsonProperty("end_to_end")
    END_TO_END;

    /** As users and files spell it. */
    String label() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /**
   * The first line.
   *
   * @param format {@link #FORMAT}
   * @param endToEnd whether it starts from images' bytes, else from crops
   * @param rounds how often each is timed, after the warm-up
   * @param cpu the processor's name
   * @param cpuFlags those of its flags that decide the speed
   * @param threads how many compute
   * @param bundle the model's name and version
   * @param plans how studies are spread over the machine, by mode
   * @param weights which of int8's weights; null without int8
   * @param java the JVM
   * @param peer the peer's tools; null without one
   */
  record Begin(
      String format,
      boolean endToEnd,
      int rounds,
      String cpu,
      List<String> cpuFlags,
      int threads,
      String bundle,
      Map<Mode, ExecutionPlan> plans,
      @Nullable String weights,
      String java,
      @Nullable String peer)
      implements ModesEvent {
    /** Checks the ranges. */
    public Begin {
      if (!format.equals(FORMAT)) {
        throw new IllegalArgumentException("the format is '" + format + "', expected " + FORMAT);
      }
      if (rounds < 1 || rounds > 1000 || threads < 1) {
        throw new IllegalArgumentException(
            "rounds and threads are "
                + rounds
                + " and "
                + threads
                + ", expected 1 to 1000, and 1 or more");
      }
      cpuFlags = List.copyOf(cpuFlags);
      plans = Map.copyOf(plans);
    }
  }

  /** A mode that was not measured, and why. */
  record LeftOut(Who who, Mode mode, String why) implements ModesEvent {}

  /** Some studies once. */
  record Time(Who who, Mode mode, What what, int round, int studies, long nanos)
      implements ModesEvent {
    /** Checks the ranges. */
    public Time {
      if (round < 1 || studies < 1 || nanos < 1) {
        throw new IllegalArgumentException(
            "round, studies and nanos are "
                + round
                + ", "
                + studies
                + " and "
                + nanos
                + ", expected 1 or more");
      }
    }
  }

  /**
   * How far two answers to the same studies are apart.
   *
   * @param mean of the absolute differences of their probabilities
   */
  record Difference(Who who, Mode mode, Who from, Mode fromMode, double mean)
      implements ModesEvent {
    /** Checks the range. */
    public Difference {
      if (!(mean >= 0 && mean <= 1)) {
        throw new IllegalArgumentException("mean is " + mean + ", expected 0 to 1");
      }
    }
  }
}
