package io.pulmo.coordinator.job;

import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import io.pulmo.model.job.JobFile;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.LedgerFile;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.view.ViewJournal;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.util.List;
import java.util.Optional;

/**
 * What the leader can tell of who computed which steps of a job: its own record of views, and from
 * the bundle the final state's ledger. Two witnesses that must agree.
 *
 * @param job the job
 * @param views that it has had, the oldest first
 * @param restores likewise
 */
public record JobLedger(JobRecord job, List<PastView> views, List<ViewJournal.Restore> restores) {
  private static final int LARGEST_MANIFEST_BYTES = 1 << 20;

  /** Copies the lists. */
  public JobLedger {
    views = List.copyOf(views);
    restores = List.copyOf(restores);
  }

  /**
   * A ledger, or why there is none.
   *
   * @param json empty where there is none
   * @param lacks in words; empty where there is one, or where there cannot be one yet
   */
  public record Told(byte[] json, String lacks) {
    private static final Told NOTHING = new Told(new byte[0], "");

    private static Told lacking(String why) {
      return new Told(new byte[0], why);
    }
  }

  /**
   * Of a job as it is now, on the thread that owns the jobs.
   *
   * @throws RefusedException if there is no such job
   */
  public static JobLedger of(Jobs jobs, String jobId) {
    return new JobLedger(jobs.get(jobId), jobs.views(jobId), jobs.restores(jobId));
  }

  /** What the record of views says, up to the committed step. */
  public Told leaders(BlobStore blobs) {
    if (views.isEmpty()) {
      return Told.NOTHING;
    }
    try {
      Ledger ledger =
          Ledger.ofViews(
              sampler(blobs), views.stream().map(JobLedger::recorded).toList(), restores);
      // A member that has just entered a view may report a step of the one before.
      long steps = Math.max(job.committedStep(), ledger.spans().getLast().fromStep());
      return new Told(new LedgerFile(ledger.after(steps), steps).toJson(), "");
    } catch (IOException | LabelListException | IllegalArgumentException e) {
      return Told.lacking(
          "the leader's record does not tell who computed the steps of job %s: %s"
              .formatted(job.id(), e.getMessage()));
    }
  }

  private static Ledger.Recorded recorded(PastView view) {
    return new Ledger.Recorded(
        view.id(),
        view.leaderEpoch(),
        view.continues(),
        view.members().stream()
            .map(member -> new Ledger.Part(member.memberId(), member.name(), member.share()))
            .toList());
  }

  private Sampler sampler(BlobStore blobs) throws IOException, LabelListException {
    JobSpec spec = JobFile.parse(job.yaml());
    String list = spec.data().train();
    JobRecord.File file =
        job.files().stream()
            .filter(one -> one.name().equals(list))
            .findFirst()
            .orElseThrow(() -> new IOException("its training list '" + list + "' is not recorded"));
    try (InputStream in = Channels.newInputStream(blobs.open(file.sha256()))) {
      return new Sampler(LabelList.parse(list, in).size(), spec.batch(), spec.seed());
    }
  }

  /** What the final state said of itself, once the job is completed. */
  public Told states(BlobStore blobs) {
    if (job.bundleManifestSha256().isEmpty()) {
      return Told.NOTHING;
    }
    try {
      Manifest manifest =
          Manifest.parse(
              Bundle.MANIFEST, read(blobs, job.bundleManifestSha256(), LARGEST_MANIFEST_BYTES));
      Optional<FileEntry> ledger =
          manifest.files().stream().filter(file -> file.path().equals(Bundle.LEDGER)).findFirst();
      if (ledger.isEmpty()) {
        return Told.lacking("the bundle of job %s has no %s".formatted(job.id(), Bundle.LEDGER));
      }
      byte[] json = read(blobs, ledger.get().sha256(), LedgerFile.MOST_BYTES);
      var unused = LedgerFile.parse(json);
      return new Told(json, "");
    } catch (IOException e) {
      return Told.lacking(
          "the ledger in the bundle of job %s cannot be read: %s".formatted(job.id(), e));
    }
  }

  private static byte[] read(BlobStore blobs, String sha256, int most) throws IOException {
    try (InputStream in = Channels.newInputStream(blobs.open(sha256))) {
      return in.readNBytes(most);
    }
  }
}
