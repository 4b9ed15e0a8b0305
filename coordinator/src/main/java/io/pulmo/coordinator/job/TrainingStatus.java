package io.pulmo.coordinator.job;

import io.pulmo.coordinator.job.Recruit.Stage;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewLeader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What people are told of a {@link Training}: it reads, and changes nothing. */
final class TrainingStatus {
  /** A view changes in less than this; what takes longer, users hear of. */
  static final Duration WORTH_TELLING = Duration.ofSeconds(1);

  private static final int MOST_NAMED = 3;

  private final Job job;
  private final ViewLeader leader;
  private final Map<String, Recruit> recruits;
  private final Set<String> leaving;
  private final Speeds speeds;
  private final String causeBefore;
  private final LongSupplier nanoTime;
  private @Nullable Long waitsSinceNanos;

  /**
   * Of a training.
   *
   * @param recruits the training's own, by member
   * @param leaving likewise
   * @param causeBefore why the view came about that an earlier leader wrote, empty for none
   */
  TrainingStatus(
      Job job,
      ViewLeader leader,
      Map<String, Recruit> recruits,
      Set<String> leaving,
      Speeds speeds,
      String causeBefore,
      LongSupplier nanoTime) {
    this.job = job;
    this.leader = leader;
    this.recruits = recruits;
    this.leaving = leaving;
    this.speeds = speeds;
    this.causeBefore = causeBefore;
    this.nanoTime = nanoTime;
  }

  /** Called several times a second: since when it waits. */
  void noteWaiting() {
    if (leader.status().isEmpty()) {
      waitsSinceNanos = null;
    } else if (waitsSinceNanos == null) {
      waitsSinceNanos = nanoTime.getAsLong();
    }
  }

  /** What it waits for, for people; empty while it trains. */
  String detail(Optional<DataSet> images) {
    long preparing = recruits.values().stream().filter(one -> one.stage == Stage.ENLISTING).count();
    boolean starts = leader.view().isEmpty() && preparing > 0;
    Long since = waitsSinceNanos;
    boolean brief = since == null || nanoTime.getAsLong() - since < WORTH_TELLING.toNanos();
    String waits = starts || brief ? "" : leader.status();
    Stream<String> prepares =
        starts || (preparing > 0 && !waits.isEmpty())
            ? Stream.of(preparing + (preparing == 1 ? " worker makes" : " workers make") + " ready")
            : Stream.of();
    Stream<String> out =
        recruits.values().stream()
            .filter(one -> one.stage == Stage.OUT && !leaving.contains(one.id()))
            .limit(MOST_NAMED)
            .map(one -> one.member.label() + " does not take part: " + one.out);
    return Stream.of(Stream.of(waits, images.map(this::lack).orElse("")), prepares, out)
        .flatMap(words -> words)
        .filter(words -> !words.isEmpty())
        .collect(Collectors.joining("; "));
  }

  /** Which images no member of the view holds, now that another has left; mostly none. */
  private String lack(DataSet images) {
    Optional<View> view = leader.view();
    if (view.isEmpty()) {
      return "";
    }
    List<String> members = view.get().seats().stream().map(Seat::memberId).toList();
    return images
        .lack(members)
        .map(words -> words + "; until then training waits where it needs one")
        .orElse("");
  }

  /** How its views stand. */
  Job.Standing standing() {
    if (leader.view().isEmpty()) {
      return job.standing();
    }
    View view = leader.view().get();
    List<JobRecord.Participant> members = new ArrayList<>();
    for (Seat seat : view.seats()) {
      members.add(participant(seat, recruits.get(seat.memberId()), view));
    }
    String cause = leader.lastCause();
    return new Job.Standing(
        view.id(),
        view.leaderEpoch(),
        cause.isEmpty() ? causeBefore : cause,
        members,
        leader.committedStep(),
        leader.published());
  }

  private JobRecord.Participant participant(Seat seat, @Nullable Recruit recruit, View view) {
    if (recruit == null) {
      return new JobRecord.Participant(
          seat.memberId(), seat.name(), 0, 0, 0, "", seat.share(), 0, "");
    }
    Holding ended = recruit.ended;
    return new JobRecord.Participant(
        seat.memberId(),
        seat.name(),
        recruit.step,
        recruit.samplesComputed,
        recruit.stepsComputed,
        ended != null && ended.label().view() == view.id() ? ended.digest() : "",
        seat.share(),
        recruit.samplesPerSecond,
        speeds.slow().getOrDefault(seat.memberId(), ""));
  }
}
