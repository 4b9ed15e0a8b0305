package io.pulmo.coordinator.job;

import io.pulmo.coordinator.membership.Member;
import io.pulmo.coordinator.ring.RingPlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One attempt of a job under way: what its members have reported and what follows from that. */
final class Run {
  private final Job job;
  private final RingPlan plan;
  private final Map<String, Integer> rankById = new HashMap<>();
  private final List<JobRecord.Participant> participants = new ArrayList<>();
  private final Map<String, Failure> failures = new LinkedHashMap<>();
  private final Set<String> completed = new HashSet<>();
  private String manifest = "";
  private long firstFailureNanos;

  private record Failure(String error, String culpritId) {}

  Run(Job job, RingPlan plan) {
    this.job = job;
    this.plan = plan;
    for (RingPlan.Seat seat : plan.seats()) {
      Member member = seat.member();
      rankById.put(member.id(), participants.size());
      participants.add(new JobRecord.Participant(member.id(), member.name(), 0, 0, 0, ""));
    }
  }

  Job job() {
    return job;
  }

  RingPlan plan() {
    return plan;
  }

  List<JobRecord.Participant> participants() {
    return participants;
  }

  boolean is(String jobId, long view) {
    return job.id().equals(jobId) && job.view() == view;
  }

  boolean has(String memberId) {
    return rankById.containsKey(memberId);
  }

  boolean hasCompleted(String memberId) {
    return completed.contains(memberId);
  }

  void progress(String memberId, JobRecord.Progress progress) {
    int rank = rank(memberId);
    JobRecord.Participant was = participants.get(rank);
    participants.set(
        rank,
        new JobRecord.Participant(
            was.id(),
            was.name(),
            progress.step(),
            progress.samplesComputed(),
            progress.stepsComputed(),
            was.stateDigest()));
  }

  void completed(String memberId, String stateDigest, String bundleManifest) {
    int rank = rank(memberId);
    JobRecord.Participant was = participants.get(rank);
    participants.set(
        rank,
        new JobRecord.Participant(
            was.id(),
            was.name(),
            was.step(),
            was.samplesComputed(),
            was.stepsComputed(),
            stateDigest));
    completed.add(memberId);
    if (rank == 0) {
      manifest = bundleManifest;
    }
  }

  boolean allCompleted() {
    return completed.size() == participants.size();
  }

  /** SHA-256 of the bundle's manifest, as rank 0 reported it. */
  String manifest() {
    return manifest;
  }

  /** The members' final states if they are not all the same, for an error. */
  Optional<String> difference() {
    String first = participants.getFirst().stateDigest();
    if (participants.stream().allMatch(one -> one.stateDigest().equals(first))) {
      return Optional.empty();
    }
    StringBuilder words = new StringBuilder();
    for (int rank = 0; rank < participants.size(); rank++) {
      String digest = participants.get(rank).stateDigest();
      words
          .append(rank == 0 ? "" : ", ")
          .append(label(rank))
          .append(" has ")
          .append(digest, 0, Math.min(12, digest.length()));
    }
    return Optional.of(words.toString());
  }

  void failed(String memberId, String error, String culpritId, long nowNanos) {
    if (failures.isEmpty()) {
      firstFailureNanos = nowNanos;
    }
    failures.putIfAbsent(memberId, new Failure(error, has(culpritId) ? culpritId : ""));
  }

  /**
   * Whether what the members reported is to be believed now: all have reported, or the grace in
   * which a loss may still name the culprit is over.
   */
  boolean failureIsRipe(long nowNanos, long graceNanos) {
    return !failures.isEmpty()
        && (failures.size() == participants.size() || nowNanos - firstFailureNanos >= graceNanos);
  }

  /** Who failed and how: a member that blames itself goes before one that blames another. */
  String verdict() {
    for (Map.Entry<String, Failure> entry : failures.entrySet()) {
      if (entry.getValue().culpritId().isEmpty()) {
        return "worker " + label(rank(entry.getKey())) + " failed: " + entry.getValue().error();
      }
    }
    Map.Entry<String, Failure> first = failures.entrySet().iterator().next();
    return "worker "
        + label(rank(first.getValue().culpritId()))
        + " was lost to its neighbour "
        + label(rank(first.getKey()))
        + ": "
        + first.getValue().error();
  }

  private String label(int rank) {
    return plan.seats().get(rank).member().label();
  }

  private int rank(String memberId) {
    Integer rank = rankById.get(memberId);
    if (rank == null) {
      throw new IllegalArgumentException(
          memberId + " is no member of the run: expected one that is");
    }
    return rank;
  }
}
