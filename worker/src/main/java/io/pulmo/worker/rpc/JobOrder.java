package io.pulmo.worker.rpc;

import io.pulmo.proto.Enlist;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A job that the leader tells a worker to make ready for.
 *
 * @param jobId fit to be a folder's name
 * @param leaderEpoch of the leader that ordered it
 * @param jobYaml as submitted
 * @param files that came with the submission
 */
public record JobOrder(String jobId, long leaderEpoch, String jobYaml, List<File> files) {
  private static final Pattern JOB_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,127}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  /**
   * A file by the name it has in JOB.yaml.
   *
   * @param name as in JOB.yaml
   * @param sha256 of its bytes, hexadecimal
   */
  public record File(String name, String sha256) {
    /** Checks the digest, which becomes a file's name. */
    public File {
      requireSha256(sha256, name);
    }
  }

  /** Checks the job's id. */
  public JobOrder {
    files = List.copyOf(files);
    if (!JOB_ID.matcher(jobId).matches()) {
      throw new IllegalArgumentException(
          "job id is '" + jobId + "', expected letters, digits, - and _");
    }
  }

  static void requireSha256(String sha256, String of) {
    if (!SHA256.matcher(sha256).matches()) {
      throw new IllegalArgumentException(
          "SHA-256 of " + of + " is '" + sha256 + "', expected 64 hexadecimal digits");
    }
  }

  /**
   * From the wire.
   *
   * @throws IllegalArgumentException naming what is wrong with it
   */
  static JobOrder of(Enlist enlist) {
    return new JobOrder(
        enlist.getJobId(),
        enlist.getLeaderEpoch(),
        enlist.getJobYaml(),
        enlist.getFilesList().stream().map(f -> new File(f.getName(), f.getSha256())).toList());
  }
}
