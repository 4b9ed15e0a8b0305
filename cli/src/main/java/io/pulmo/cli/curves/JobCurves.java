package io.pulmo.cli.curves;

import io.pulmo.cli.rpc.JobView;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A job's curves, written for TensorBoard while it is watched: a run {@code ID/train} by steps, and
 * a run {@code ID/validation} by epochs.
 *
 * <p>Where the job went back to a checkpoint, the steps that it gave up go from the curve.
 */
public final class JobCurves implements Consumer<JobView>, AutoCloseable {
  private static final Pattern JOB_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,127}");

  /** A leader tells ten times a second; a curve of a day's training need not be that dense. */
  private static final long APART_MILLIS = 1_000;

  private final EventFile train;
  private final EventFile validation;
  private final InstantSource clock;
  private final Consumer<String> warnings;
  private long step = -1;
  private long writtenMillis;
  private final NavigableMap<Integer, JobView.Epoch> epochs = new TreeMap<>();
  private boolean broken;

  /**
   * Begins a file for each run.
   *
   * @param folder that TensorBoard is started with
   * @param writer what tells this process from others that write there
   * @param warnings hears if no more can be written; watching goes on
   * @throws IOException if the files cannot be made
   */
  public JobCurves(
      Path folder, String jobId, String writer, InstantSource clock, Consumer<String> warnings)
      throws IOException {
    if (!JOB_ID.matcher(jobId).matches()) {
      throw new IOException(
          "job id is '" + jobId + "', expected letters, digits, - and _: it names a folder");
    }
    this.clock = clock;
    this.warnings = warnings;
    train = new EventFile(folder.resolve(jobId).resolve("train"), writer, clock);
    EventFile second;
    try {
      second = new EventFile(folder.resolve(jobId).resolve("validation"), writer, clock);
    } catch (IOException e) {
      train.close();
      throw e;
    }
    validation = second;
  }

  @Override
  public void accept(JobView job) {
    if (broken) {
      return;
    }
    try {
      train(job);
      validation(job);
    } catch (IOException e) {
      broken = true;
      warnings.accept("no more curves are written: " + e + "; make room and watch again");
    }
  }

  private void train(JobView job) throws IOException {
    long now = clock.millis();
    boolean due = step < 0 || now - writtenMillis >= APART_MILLIS || job.ended();
    if (job.step() == 0 || job.step() == step || !due) {
      return;
    }
    if (step < 0 || job.step() < step) {
      train.restart(job.step());
    }
    step = job.step();
    writtenMillis = now;
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", job.loss());
    if (job.samplesPerSecond() > 0) {
      values.put("images per second", job.samplesPerSecond());
    }
    values.put("workers", (double) job.members().size());
    train.scalars(step, values);
  }

  private void validation(JobView job) throws IOException {
    for (JobView.Epoch epoch : job.epochs()) {
      JobView.Epoch before = epochs.get(epoch.number());
      if (epoch.equals(before)) {
        continue;
      }
      if (epochs.isEmpty() || before != null) {
        // Told from here on, or judged once more after a checkpoint.
        validation.restart(epoch.number() + 1);
        epochs.tailMap(epoch.number()).clear();
      }
      epochs.put(epoch.number(), epoch);
      Map<String, Double> values = new LinkedHashMap<>();
      values.put("loss", epoch.loss());
      if (!Double.isNaN(epoch.aucMean())) {
        values.put("AUC", epoch.aucMean());
      }
      validation.scalars(epoch.number() + 1, values);
    }
  }

  @Override
  public void close() {
    try (train;
        validation) {
      // Each event was written when it came.
    } catch (IOException e) {
      warnings.accept("the curves could not be finished: " + e);
    }
  }
}
