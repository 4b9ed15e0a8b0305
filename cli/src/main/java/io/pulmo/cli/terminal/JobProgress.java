package io.pulmo.cli.terminal;

import io.pulmo.cli.rpc.JobView;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A job's steps as a progress bar. */
public final class JobProgress implements Consumer<JobView>, AutoCloseable {
  private final String task;
  private final boolean quiet;
  private @Nullable Progress bar;

  /** Begins with the job's first step. */
  public JobProgress(String task, boolean quiet) {
    this.task = task;
    this.quiet = quiet;
  }

  @Override
  public void accept(JobView job) {
    if (job.stepsTotal() == 0) {
      return;
    }
    if (bar == null) {
      bar = Progress.start(task, " steps", job.stepsTotal(), quiet);
    }
    bar.at(job.step(), job.stepsTotal());
    String auc =
        job.epochs().isEmpty()
            ? ""
            : String.format(Locale.ROOT, ", AUC %.3f", job.epochs().getLast().aucMean());
    bar.note(String.format(Locale.ROOT, "loss %.3f%s", job.loss(), auc));
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
