package io.pulmo.worker.rpc;

import io.pulmo.proto.JobFile;
import io.pulmo.proto.StartRun;
import io.pulmo.worker.ring.RingPlan;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What the leader tells a member to do.
 *
 * @param jobId fit to be a folder's name
 * @param view the attempt
 * @param leaderEpoch of the leader that ordered it
 * @param jobYaml as submitted
 * @param files that came with the submission
 * @param ring its members, by rank
 * @param shares of the members
 * @param threads that the device may use
 */
public record RunOrder(
    String jobId,
    long view,
    long leaderEpoch,
    String jobYaml,
    List<File> files,
    RingPlan ring,
    List<Integer> shares,
    int threads) {
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
      if (!SHA256.matcher(sha256).matches()) {
        throw new IllegalArgumentException(
            "SHA-256 of " + name + " is '" + sha256 + "', expected 64 hexadecimal digits");
      }
    }
  }

  /** Checks the job's id and the number of threads. */
  public RunOrder {
    files = List.copyOf(files);
    shares = List.copyOf(shares);
    if (!JOB_ID.matcher(jobId).matches()) {
      throw new IllegalArgumentException(
          "job id is '" + jobId + "', expected letters, digits, - and _");
    }
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + ", expected 1 at least");
    }
  }

  /** Whether it is the order of that view of that job. */
  public boolean is(String ofJob, long ofView) {
    return jobId.equals(ofJob) && view == ofView;
  }

  /**
   * From the wire.
   *
   * @throws IllegalArgumentException naming what is wrong with it
   */
  static RunOrder of(StartRun start) {
    List<RingPlan.Peer> peers =
        start.getMembersList().stream()
            .map(m -> new RingPlan.Peer(m.getMemberId(), m.getName(), m.getRingAddress()))
            .toList();
    List<File> files =
        start.getFilesList().stream()
            .map((JobFile f) -> new File(f.getName(), f.getSha256()))
            .toList();
    String jobId = start.getRun().getJobId();
    long view = start.getRun().getView();
    return new RunOrder(
        jobId,
        view,
        start.getLeaderEpoch(),
        start.getJobYaml(),
        files,
        new RingPlan(jobId, view, peers, start.getRank()),
        start.getMembersList().stream().map(io.pulmo.proto.RingMember::getShare).toList(),
        start.getThreads());
  }
}
