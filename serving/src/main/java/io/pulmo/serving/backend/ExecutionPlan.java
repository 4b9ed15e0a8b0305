package io.pulmo.serving.backend;

import io.pulmo.model.image.Preprocessing;
import java.util.List;

/**
 * How studies are spread over a machine by OpenVINO.
 *
 * @param cropsPerRequest into requests of how many crops a study's ten are cut: 1, 2, 5 or 10
 * @param streams how many requests are computed at a time, each by its share of the threads
 * @param requests how many are in flight, at least as many as streams; those beyond wait for a
 *     stream with their input in place
 * @param pinned whether OpenVINO binds its threads to processors
 */
public record ExecutionPlan(int cropsPerRequest, int streams, int requests, boolean pinned) {
  /** What divides a study's crops, the largest first. */
  public static final List<Integer> CUTS = List.of(10, 5, 2, 1);

  private static final int MOST_STREAMS = 256;
  private static final int MOST_REQUESTS = 1024;

  /** The part of the threads that streams of equal size must use. */
  private static final double LEAST_USED = 0.9;

  /** Checks the ranges. */
  public ExecutionPlan {
    if (!CUTS.contains(cropsPerRequest)) {
      throw new IllegalArgumentException(
          "cropsPerRequest is " + cropsPerRequest + ", expected one of 1, 2, 5, 10");
    }
    if (streams < 1 || streams > MOST_STREAMS) {
      throw new IllegalArgumentException(
          "streams is " + streams + ", expected 1 to " + MOST_STREAMS);
    }
    if (requests < streams || requests > MOST_REQUESTS) {
      throw new IllegalArgumentException(
          "requests is "
              + requests
              + ", expected at least as many as streams, "
              + streams
              + ", and at most "
              + MOST_REQUESTS);
    }
  }

  /**
   * A good plan where nothing was measured: as many streams as a lone study can use without leaving
   * threads idle, and the cut that gives them its crops most evenly. {@code pulmo bench modes
   * --tune} finds a better one, if there is one.
   */
  public static ExecutionPlan untuned(int threads) {
    int streams = 1;
    for (int s = 2; s <= Math.min(threads, Preprocessing.CROPS); s++) {
      if (threads / s * s >= LEAST_USED * threads) {
        streams = s;
      }
    }
    return of(streams, evenCut(streams));
  }

  /** A plan with a second request for each stream, so that none waits for its input. */
  public static ExecutionPlan of(int streams, int cropsPerRequest) {
    return new ExecutionPlan(cropsPerRequest, streams, 2 * streams, false);
  }

  /** The cut with which the busiest stream has the fewest crops; the largest of those. */
  private static int evenCut(int streams) {
    int best = Preprocessing.CROPS;
    for (int cut : CUTS) {
      if (mostCrops(cut, streams) < mostCrops(best, streams)) {
        best = cut;
      }
    }
    return best;
  }

  private static int mostCrops(int cut, int streams) {
    return Math.ceilDiv(Preprocessing.CROPS / cut, streams) * cut;
  }

  /** Of how many requests a study is. */
  public int requestsPerStudy() {
    return Preprocessing.CROPS / cropsPerRequest;
  }

  /** How many studies have all their requests in flight, but at least two: one follows another. */
  public int studiesInFlight() {
    return Math.max(2, Math.ceilDiv(requests, requestsPerStudy()));
  }
}
