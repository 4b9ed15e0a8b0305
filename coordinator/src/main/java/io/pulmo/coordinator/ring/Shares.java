package io.pulmo.coordinator.ring;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What each member of a job should compute of a step, by how fast each has been lately, and who is
 * slow and why. One thread owns it; it knows no clock, only reports.
 *
 * <p>Shares follow the members' paces, so that all are done at the same time. Since other shares
 * need another view, which costs about a tenth of a second, they are proposed only when they would
 * shorten the step by more than a twelfth in several rounds of reports running while the paces
 * stand still; and the sooner one proposal follows another, the longer the next has to wait.
 */
public final class Shares {
  private static final double LEAST_GAIN = 0.08;
  private static final int STABLE_ROUNDS = 5;
  private static final double STABLE = 1.1;
  private static final int RESTLESS_ROUNDS = 100;

  // A gain is believed after so many rounds running, the fewer the larger it is: 5 for a fifth, 47
  // for a twelfth.
  private static final double DOUBT = 0.3;

  private static final int SHORTEST_PAUSE_ROUNDS = 8;
  private static final int LONGEST_PAUSE_ROUNDS = 512;
  private static final int CALM_ROUNDS = 600;
  private static final int SUM = 1_000;

  private final int batch;
  private final Map<String, Pace> paces = new LinkedHashMap<>();
  private final Slowness slowness = new Slowness();
  private Map<String, Integer> lastCurrent = Map.of();

  // A round is a report of each member. Those in which better shares were at hand, without a break:
  private final Deque<double[]> lastPaces = new ArrayDeque<>();
  private int promisingRounds;

  private long rounds = CALM_ROUNDS + 1;
  private long proposedRound;
  private int pauseRounds = SHORTEST_PAUSE_ROUNDS;

  /**
   * Where a member's time goes: means over its last steps.
   *
   * @param computeMillis a step, forward and backward
   * @param dataMillis a step, waiting for images
   * @param ringMillis a step, in the ring, waiting for others included
   * @param samplesAStep that this member computes
   */
  public record Timing(
      double computeMillis, double dataMillis, double ringMillis, double samplesAStep) {
    private boolean isUsable() {
      return isTime(computeMillis)
          && isTime(dataMillis)
          && isTime(ringMillis)
          && isTime(samplesAStep)
          && samplesAStep > 0
          && computeMillis > 0;
    }

    private static boolean isTime(double value) {
      return Double.isFinite(value) && value >= 0;
    }
  }

  /**
   * Knows nobody yet.
   *
   * @param batch the job's samples a step, over all members
   */
  public Shares(int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch is " + batch + ": expected at least 1");
    }
    this.batch = batch;
  }

  /**
   * A member reports; a report that cannot be, or of a member that computed nothing, is nothing.
   */
  public void report(String memberId, Timing timing) {
    if (timing.isUsable()) {
      paces.computeIfAbsent(memberId, id -> new Pace()).add(timing);
      slowness.judge(paces);
    }
  }

  /** A member is gone. */
  public void forget(String memberId) {
    paces.remove(memberId);
    slowness.forget(memberId);
  }

  /** Who is slow, and why in words; a member that has recovered is not named. */
  public Map<String, String> slow() {
    return slowness.words();
  }

  /**
   * Better shares, if there are any that are worth another view. Asked about other members than the
   * current shares', it answers at once, for a view that is being made anyway: a member that it
   * does not know it takes to be as fast as most.
   *
   * @param members by rank
   * @param current the shares of the view, by member
   * @return a share for each member, about 1000 in all or, where that is more, as many as a step
   *     has samples; none is 0 unless a step has fewer samples than members. Empty to leave them,
   *     or because nobody's pace is known
   */
  public Optional<Map<String, Integer>> better(List<String> members, Map<String, Integer> current) {
    if (members.isEmpty()) {
      return Optional.empty();
    }
    if (!current.keySet().equals(new HashSet<>(members))) {
      return forNewView(members);
    }
    if (!current.equals(lastCurrent)) {
      turnTo(current);
    }
    for (String member : members) {
      Pace pace = paces.get(member);
      if (pace == null || !pace.isKnown() || !pace.isFresh()) {
        return Optional.empty();
      }
    }
    List<Pace> known = members.stream().map(paces::get).toList();
    known.forEach(Pace::taken);
    rounds++;
    double[] millis = known.stream().mapToDouble(Pace::millisPerSample).toArray();
    int samples = samplesAStep(known);
    int[] parts = Division.soonest(samples, millis);
    int[] now = Division.byShares(samples, members.stream().mapToInt(current::get).toArray());
    double network = Slowness.networkMillis(known);
    double before = Division.millis(now, millis) + network;
    double after = Division.millis(parts, millis) + network;
    if (!isDue((before - after) / before, millis)) {
      return Optional.empty();
    }
    boolean soon = rounds - proposedRound <= CALM_ROUNDS;
    pauseRounds = soon ? Math.min(LONGEST_PAUSE_ROUNDS, 2 * pauseRounds) : SHORTEST_PAUSE_ROUNDS;
    proposedRound = rounds;
    return Optional.of(shares(members, parts));
  }

  /** Whether it is time to change shares, one round of reports later. */
  private boolean isDue(double gain, double[] millis) {
    if (gain < LEAST_GAIN) {
      lastPaces.clear();
      promisingRounds = 0;
      return false;
    }
    promisingRounds++;
    lastPaces.addLast(millis);
    boolean stable = lastPaces.size() == STABLE_ROUNDS && isNear(lastPaces.removeFirst(), millis);
    return promisingRounds >= DOUBT / (gain * gain)
        && (stable || promisingRounds > RESTLESS_ROUNDS)
        && rounds - proposedRound > pauseRounds;
  }

  private static boolean isNear(double[] then, double[] now) {
    for (int rank = 0; rank < now.length; rank++) {
      double times = now[rank] / then[rank];
      if (times > STABLE || times < 1 / STABLE) {
        return false;
      }
    }
    return true;
  }

  /** What was reported before speaks of other shares. */
  private void turnTo(Map<String, Integer> current) {
    if (!current.keySet().equals(lastCurrent.keySet())) {
      slowness.ringChanged();
    }
    lastCurrent = Map.copyOf(current);
    lastPaces.clear();
    promisingRounds = 0;
    paces.values().forEach(Pace::clear);
  }

  private Optional<Map<String, Integer>> forNewView(List<String> members) {
    double[] millis = new double[members.size()];
    for (int rank = 0; rank < millis.length; rank++) {
      Pace pace = paces.get(members.get(rank));
      millis[rank] = pace == null ? Double.NaN : pace.lastMillisPerSample();
    }
    double[] known = Arrays.stream(millis).filter(Double::isFinite).toArray();
    if (known.length == 0) {
      return Optional.empty();
    }
    double usual = Pace.median(known);
    for (int rank = 0; rank < millis.length; rank++) {
      millis[rank] = Double.isFinite(millis[rank]) ? millis[rank] : usual;
    }
    return Optional.of(shares(members, Division.soonest(batch, millis)));
  }

  /**
   * The samples of a step as the members report them. An epoch's steps are nearly equal, and may
   * all be smaller than the batch: what counts is the smaller size.
   */
  private int samplesAStep(List<Pace> known) {
    double sum = known.stream().mapToDouble(Pace::samplesAStep).sum();
    return Math.clamp((long) Math.floor(sum + 0.02), 1, batch);
  }

  /** Parts as shares: with their sum a multiple of the samples, rounding gives the same parts. */
  private static Map<String, Integer> shares(List<String> members, int[] parts) {
    int samples = 0;
    for (int part : parts) {
      samples += part;
    }
    int times = Math.max(1, SUM / samples);
    Map<String, Integer> shares = new LinkedHashMap<>();
    for (int rank = 0; rank < parts.length; rank++) {
      shares.put(members.get(rank), times * parts[rank]);
    }
    return shares;
  }
}
