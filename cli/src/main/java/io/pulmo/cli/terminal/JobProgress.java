package io.pulmo.cli.terminal;

import io.pulmo.cli.rpc.JobView;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A job as one who watches sees it: its steps as a progress bar, and a line for what happens: why
 * it waits, and each change of its members with the cause.
 */
public final class JobProgress implements Consumer<JobView>, AutoCloseable {
  private final String task;
  private final boolean quiet;
  private @Nullable Progress bar;
  private String toldDetail = "";
  private String toldSlow = "";
  private long toldView;

  /** Begins with the job's first step. */
  public JobProgress(String task, boolean quiet) {
    this.task = task;
    this.quiet = quiet;
  }

  @Override
  public void accept(JobView job) {
    lines(job);
    if (job.stepsTotal() == 0) {
      return;
    }
    if (bar == null) {
      bar = Progress.start(task, " steps", job.stepsTotal(), quiet);
    }
    bar.at(job.step(), job.stepsTotal());
    bar.note(note(job));
  }

  private void lines(JobView job) {
    if (job.view().id() != toldView) {
      toldView = job.view().id();
      Progress.line(view(job), quiet);
    }
    String detail = job.ended() ? "" : job.detail();
    if (!news(detail).equals(toldDetail)) {
      toldDetail = news(detail);
      if (!detail.isEmpty()) {
        Progress.line(job.id() + " " + detail, quiet);
      }
    }
    String slow = slow(job);
    if (!news(slow).equals(toldSlow)) {
      toldSlow = news(slow);
      if (!slow.isEmpty()) {
        Progress.line(slow, quiet);
      }
    }
  }

  /** What makes words news: times and factors change all the time. */
  private static String news(String words) {
    return words.replaceAll("[0-9]+([.][0-9]+)?( s\\b| ms\\b| times\\b)", "");
  }

  /** Who trains it since when, and why. */
  static String view(JobView job) {
    String members =
        job.members().stream()
            .map(member -> member.name() + " (share " + member.share() + ")")
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT,
        "view %d at step %d, because %s: %s",
        job.view().id(),
        job.view().committedStep(),
        job.view().cause(),
        members);
  }

  /** Who is slow and why; empty if nobody is. */
  static String slow(JobView job) {
    return job.members().stream()
        .filter(member -> !member.slow().isEmpty())
        .map(member -> member.name() + " is slow: " + member.slow())
        .collect(Collectors.joining("; "));
  }

  /** What goes beside the bar, which itself says how far it is and how long it will take. */
  static String note(JobView job) {
    StringBuilder note = new StringBuilder();
    note.append(String.format(Locale.ROOT, "loss %.3f", job.loss()));
    if (!job.epochs().isEmpty() && !Double.isNaN(job.epochs().getLast().aucMean())) {
      note.append(String.format(Locale.ROOT, ", AUC %.3f", job.epochs().getLast().aucMean()));
    }
    note.append(String.format(Locale.ROOT, ", %.1f images/s", job.samplesPerSecond()));
    int workers = job.members().size();
    return note.append(", ")
        .append(workers)
        .append(workers == 1 ? " worker" : " workers")
        .toString();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
