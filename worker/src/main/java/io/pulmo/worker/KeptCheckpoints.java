package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.view.Label;
import io.pulmo.worker.checkpoint.CheckpointFolder;
import io.pulmo.worker.checkpoint.CheckpointFolder.Held;
import io.pulmo.worker.checkpoint.CheckpointWriter;
import io.pulmo.worker.rpc.Reports;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A member's checkpoints of a job: written in the background, and told to the leader. */
final class KeptCheckpoints implements CheckpointWriter.Listener, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KeptCheckpoints.class);
  private static final int MOST_TOLD = 16;
  private static final int MOST_HERE = 128;

  private final String jobId;
  private final CheckpointFolder folder;
  private final CheckpointWriter writer;
  private final Reports reports;

  /** The newest first. */
  @GuardedBy("this")
  private final ArrayDeque<Held> here;

  /**
   * Those in the folder and those to come.
   *
   * @param like a state of the job
   * @throws IOException if the folder cannot be read
   */
  KeptCheckpoints(String jobId, CheckpointFolder folder, TrainingState like, Reports reports)
      throws IOException {
    this.jobId = jobId;
    this.folder = folder;
    this.reports = reports;
    this.here = new ArrayDeque<>(folder.good(MOST_HERE));
    this.writer = new CheckpointWriter(folder, like, this);
  }

  /** Those that are published: their files stay. */
  void keep(List<String> sha256) {
    folder.pin(sha256);
  }

  /** Copies a state and has it written. */
  void take(Label label, TrainingState state) {
    writer.take(label, state);
  }

  /** As many of those that are here as are told, published ones before others; newest first. */
  List<Held> newest() {
    List<Held> all;
    synchronized (this) {
      all = new ArrayList<>(here);
    }
    all.removeIf(one -> find(one.published().sha256()).isEmpty());
    for (int at = all.size() - 1; at >= 0 && all.size() > MOST_TOLD; at--) {
      if (!folder.isPinned(all.get(at).published().sha256())) {
        all.remove(at);
      }
    }
    return List.copyOf(all.subList(0, Math.min(MOST_TOLD, all.size())));
  }

  /** A checkpoint's file, if it is here. */
  Optional<Path> find(String sha256) {
    try {
      return folder.find(sha256);
    } catch (IOException e) {
      log.warn("the checkpoints in {} cannot be listed: {}", folder.path(), e.toString());
      return Optional.empty();
    }
  }

  @Override
  public void held(Held held) {
    synchronized (this) {
      here.removeIf(one -> find(one.published().sha256()).isEmpty());
      here.addFirst(held);
    }
    reports.checkpoint(jobId, held);
  }

  @Override
  public void failed(Label label, IOException why) {
    log.warn("{}", why.getMessage());
    reports.checkpointFailed(jobId, label, String.valueOf(why.getMessage()));
  }

  @Override
  public void replaced(Label label, Label by) {
    log.warn("the checkpoint of {} gave way to that of {}: the disk is slow", label, by);
  }

  @Override
  public void close() {
    writer.close();
  }
}
