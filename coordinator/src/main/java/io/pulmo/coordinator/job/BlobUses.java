package io.pulmo.coordinator.job;

import java.io.IOException;
import java.util.List;

/**
 * Which blobs the jobs' records name, as any coordinator may read them, whether it leads or not.
 */
@FunctionalInterface
public interface BlobUses {
  /**
   * One job's.
   *
   * @param state where the job is
   * @param files that came with its submission
   * @param bundleManifestSha256 empty until the job is completed
   */
  record Use(JobState state, List<JobRecord.File> files, String bundleManifestSha256) {
    /** Copies the list. */
    public Use {
      files = List.copyOf(files);
    }
  }

  /**
   * All jobs', in no order.
   *
   * @throws IOException if they cannot be read at the moment
   */
  List<Use> read() throws IOException;
}
