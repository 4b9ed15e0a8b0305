package io.pulmo.worker;

import io.pulmo.model.view.Label;
import io.pulmo.worker.train.StepReport;
import java.io.PrintStream;
import java.time.Clock;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What happens to a member's state, one line of JSON each, for a harness that keeps it outside this
 * process.
 *
 * <p>Kinds: {@code step}, with the label after it and the positions {@code from} to {@code to} of
 * the epoch's order that this member computed; {@code view}, entered; {@code stop}, the view
 * promised and the label at which it stopped; {@code adopt} and {@code restore}, a state put in
 * place; {@code left}, by its own wish.
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
        ",\"epoch\":%d,\"from\":%d,\"to\":%d%s"
            .formatted(
                report.epoch(),
                report.mine().from(),
                report.mine().to(),
                report.digest().map(EventLog::digest).orElse("")));
  }

  void entered(String jobId, Label label) {
    write("view", jobId, label.view(), label.step(), "");
  }

  void stopped(String jobId, long promisedView, Optional<Label> at) {
    write("stop", jobId, promisedView, at.map(Label::step).orElse(0L), "");
  }

  void adopted(String jobId, boolean restored, long view, Label label, String digest) {
    write(restored ? "restore" : "adopt", jobId, view, label.step(), digest(digest));
  }

  void left() {
    write("left", "", 0, 0, "");
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
