package io.pulmo.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.jspecify.annotations.Nullable;

/** What happened in a bench of preprocessing: a line of its file of events. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Event.Begin.class, name = "begin"),
  @JsonSubTypes.Type(value = Event.Time.class, name = "time"),
  @JsonSubTypes.Type(value = Event.Difference.class, name = "difference")
})
sealed interface Event {
  /** The format of these files. */
  String FORMAT = "pulmo bench preprocess 1";

  /** Who did it. */
  enum Who {
    @JsonProperty("pulmo")
    PULMO,
    @JsonProperty("peer")
    PEER
  }

  /** What was timed; the total is Pulmo's own way through, not the sum of the others. */
  enum Stage {
    @JsonProperty("total")
    TOTAL,
    @JsonProperty("decode")
    DECODE,
    @JsonProperty("resize")
    RESIZE,
    @JsonProperty("crops")
    CROPS
  }

  /**
   * The first line.
   *
   * @param format {@link #FORMAT}
   * @param images how many there are
   * @param rounds how often each is timed, after the warm-up
   * @param cpu the number of the one CPU that all ran on; null if nothing saw to that
   * @param java the JVM
   * @param peer the peer's tools; null without one
   */
  record Begin(
      String format,
      int images,
      int rounds,
      @Nullable Integer cpu,
      String java,
      @Nullable String peer)
      implements Event {
    /** Checks the ranges. */
    public Begin {
      if (!format.equals(FORMAT)) {
        throw new IllegalArgumentException("the format is '" + format + "', expected " + FORMAT);
      }
      // Whoever reads the events makes room for so many times.
      if (images < 1 || rounds < 1 || (long) images * rounds > 1_000_000) {
        throw new IllegalArgumentException(
            "images and rounds are "
                + images
                + " and "
                + rounds
                + ", expected at least 1 each and a product of at most 1000000");
      }
    }
  }

  /** One image once through one stage. */
  record Time(Who who, String kind, String image, int round, Stage stage, long nanos)
      implements Event {
    /** Checks the ranges. */
    public Time {
      if (round < 1 || nanos < 1) {
        throw new IllegalArgumentException(
            "round and nanos are " + round + " and " + nanos + ", expected 1 or more");
      }
    }
  }

  /**
   * How far Pulmo's tensor of an image is from the peer's.
   *
   * @param most the largest difference of two of their numbers
   */
  record Difference(String kind, String image, double most) implements Event {
    /** Checks the range. */
    public Difference {
      if (!(most >= 0 && most < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("most is " + most + ", expected 0 or more");
      }
    }
  }
}
