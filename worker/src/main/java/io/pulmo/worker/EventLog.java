package io.pulmo.worker;

import io.pulmo.model.view.Label;
import io.pulmo.model.view.View;
import io.pulmo.worker.train.Pace;
import io.pulmo.worker.train.StepReport;
import java.io.PrintStream;
import java.time.Clock;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What happens to a member's state, one line of JSON each, for a harness that keeps it outside this
 * process.
 *
 * <p>Kinds: {@code step}, with the label after it, the positions {@code from} to {@code to} of the
 * epoch's order that this member computed, the samples in the members' sum and the milliseconds of
 * its parts; {@code view}, entered, with its members and the state that it continues; {@code stop},
 * the view promised and the label at which it stopped; {@code adopt} and {@code restore}, a state
 * put in place; {@code validate} and {@code validated}, its part in judging an epoch begins and is
 * over; {@code export}, it begins to make the bundle; {@code left}, by its own wish.
 */
final class EventLog {
  private final @Nullable PrintStream out;
  private final String memberId;
  private final Clock clock;

  /**
   * A log.
   *
   * @param out flushed with each line; null for a log that is not kept
   */
  EventLog(@Nullable PrintStream out, String memberId, Clock clock) {
    this.out = out;
    this.memberId = memberId;
    this.clock = clock;
  }

  void stepped(String jobId, StepReport report) {
    write(
        "step",
        jobId,
        report.label().view(),
        report.label().step(),
        ",\"epoch\":%d,\"from\":%d,\"to\":%d,\"summed\":%d,\"ms\":%s%s"
            .formatted(
                report.epoch(),
                report.mine().from(),
                report.mine().to(),
                report.summed(),
                millis(report.took()),
                report.digest().map(EventLog::digest).orElse("")));
  }

  void entered(String jobId, View view) {
    write(
        "view",
        jobId,
        view.id(),
        view.continues().step(),
        ",\"leader_epoch\":%d,\"continues_view\":%d,\"members\":[%s]"
            .formatted(
                view.leaderEpoch(),
                view.continues().view(),
                view.seats().stream()
                    .map(
                        seat ->
                            "{\"member\":\"%s\",\"share\":%d}"
                                .formatted(seat.memberId(), seat.share()))
                    .collect(Collectors.joining(","))));
  }

  void stopped(String jobId, long promisedView, Optional<Label> at) {
    write("stop", jobId, promisedView, at.map(Label::step).orElse(0L), "");
  }

  void adopted(String jobId, boolean restored, long view, Label label, String digest) {
    write(restored ? "restore" : "adopt", jobId, view, label.step(), digest(digest));
  }

  /** At so many steps. */
  void validates(String jobId, boolean begins, long step) {
    write(begins ? "validate" : "validated", jobId, 0, step, "");
  }

  void exports(String jobId, Label label) {
    write("export", jobId, label.view(), label.step(), "");
  }

  void left() {
    write("left", "", 0, 0, "");
  }

  private static String millis(Pace.Means parts) {
    return String.format(
        Locale.ROOT,
        "{\"data\":%.2f,\"compute\":%.2f,\"ring\":%.2f,\"apply\":%.2f}",
        parts.data(),
        parts.compute(),
        parts.ring(),
        parts.apply());
  }

  private static String digest(String digest) {
    return ",\"digest\":\"" + digest + '"';
  }

  private void write(String kind, String jobId, long view, long step, String more) {
    PrintStream to = out;
    if (to == null) {
      return;
    }
    String line =
        "{\"t_millis\":%d,\"kind\":\"%s\",\"member\":\"%s\",\"job\":\"%s\",\"view\":%d,\"step\":%d%s}\n"
            .formatted(clock.millis(), kind, memberId, jobId, view, step, more);
    synchronized (this) {
      to.print(line);
      to.flush();
    }
  }
}
