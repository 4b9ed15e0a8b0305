package io.pulmo.cli.rpc;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleWriter;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.job.JobFile;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.LedgerFile;
import io.pulmo.model.weights.WeightsFile;
import io.pulmo.node.Blobs;
import io.pulmo.node.HostPort;
import io.pulmo.node.LeaderFollower;
import io.pulmo.proto.CancelJobRequest;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetJobRequest;
import io.pulmo.proto.GetLedgerRequest;
import io.pulmo.proto.GetLedgerResponse;
import io.pulmo.proto.JobState;
import io.pulmo.proto.JobStatus;
import io.pulmo.proto.ListJobsRequest;
import io.pulmo.proto.SubmitJobRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * What a user can do with jobs: submit, look, watch, cancel, fetch the bundle. It follows the
 * leader when that moves.
 */
public final class JobClient implements AutoCloseable {
  private static final long LARGEST_JOB_BYTES = 64 * 1024;
  private static final Duration WATCH_PATIENCE = Duration.ofSeconds(30);

  private static final int UPLOADS = 3;

  private final LeaderFollower follower;

  /** Of the cluster with these coordinators, of which any will do. */
  public JobClient(List<HostPort> coordinators) {
    follower = new LeaderFollower(coordinators);
  }

  /**
   * Submits JOB.yaml with the files that it names, whose paths are relative to its folder. What
   * nobody has answered, because the leader went, is repeated with the next one.
   *
   * @param job the file
   * @return the job's id: an earlier one's if that has this name and content and waits, runs or is
   *     completed
   */
  public String submit(Path job) throws IOException, InterruptedException {
    if (!Files.isRegularFile(job)) {
      throw new IOException("no file " + job + "; expected a JOB.yaml");
    }
    if (Files.size(job) > LARGEST_JOB_BYTES) {
      throw new IOException(
          job + " has " + Files.size(job) + " bytes, expected at most " + LARGEST_JOB_BYTES);
    }
    String yaml = Files.readString(job);
    JobSpec spec = JobFile.parse(yaml);
    Path base = Optional.ofNullable(job.toAbsolutePath().getParent()).orElse(Path.of("/"));
    SubmitJobRequest.Builder request =
        SubmitJobRequest.newBuilder()
            .setJobYaml(yaml)
            .setIdempotencyKey(UUID.randomUUID().toString());
    for (String name : spec.files()) {
      Path file = base.resolve(name);
      if (!Files.isRegularFile(file)) {
        throw new IOException(
            job + " names '" + name + "', but there is no file " + file + "; put it there");
      }
    }
    if (spec.init().isPresent()) {
      // What the workers will do: weights that do not fit are refused before anything is sent.
      Path weights = base.resolve(spec.init().get());
      var unused = WeightsFile.readInitial(weights, spec.preset().network(), spec.seed());
    }
    for (int upload = 1; ; upload++) {
      request.clearFiles();
      for (String name : spec.files()) {
        Path file = base.resolve(name);
        request.addFiles(
            io.pulmo.proto.JobFile.newBuilder()
                .setName(name)
                .setSha256(Blobs.put(follower, file))
                .setBytes(Files.size(file)));
      }
      try {
        return follower.call(stub -> stub.submitJob(request.build())).getJobId();
      } catch (StatusRuntimeException e) {
        // A leader that came between, and cannot get the files from those that have them, wants
        // them
        // again.
        if (e.getStatus().getCode() != Status.Code.FAILED_PRECONDITION || upload == UPLOADS) {
          throw e;
        }
      }
    }
  }

  /** The job as it is now. */
  public JobView get(String id) throws InterruptedException {
    return view(
        follower.call(stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(id).build())));
  }

  /** All jobs, the newest first. */
  public List<JobView> list() throws InterruptedException {
    return follower
        .call(stub -> stub.listJobs(ListJobsRequest.getDefaultInstance()))
        .getJobsList()
        .stream()
        .map(JobClient::view)
        .toList();
  }

  /** Who computed which of its steps. */
  public LedgerView ledger(String id) throws IOException, InterruptedException {
    GetLedgerResponse told =
        follower.call(stub -> stub.getLedger(GetLedgerRequest.newBuilder().setJobId(id).build()));
    return new LedgerView(
        parse(told.getStateJson()),
        told.getStateLacks(),
        parse(told.getLeaderJson()),
        told.getLeaderLacks());
  }

  private static Optional<LedgerFile> parse(ByteString json) throws IOException {
    return json.isEmpty() ? Optional.empty() : Optional.of(LedgerFile.parse(json.toByteArray()));
  }

  /** Cancels it and says what it is then. */
  public JobView cancel(String id) throws InterruptedException {
    return view(
        follower.call(stub -> stub.cancelJob(CancelJobRequest.newBuilder().setJobId(id).build())));
  }

  /**
   * Follows a job to its end.
   *
   * @param onChange hears every change
   * @return the job as it ended
   */
  public JobView watch(String id, Consumer<JobView> onChange) throws InterruptedException {
    long silentSinceNanos = System.nanoTime();
    while (true) {
      JobView last = get(id);
      onChange.accept(last);
      if (last.ended()) {
        return last;
      }
      BlockingClientCall<?, JobStatus> call =
          CoordinatorGrpc.newBlockingV2Stub(follower.channel())
              .watchJob(GetJobRequest.newBuilder().setJobId(id).build());
      try {
        for (JobStatus status = call.read(WATCH_PATIENCE.toSeconds(), TimeUnit.SECONDS);
            status != null;
            status = call.read(WATCH_PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
          silentSinceNanos = System.nanoTime();
          last = view(status);
          onChange.accept(last);
          if (last.ended()) {
            return last;
          }
        }
      } catch (TimeoutException quiet) {
        // a queued job may be quiet for long: ask again
        silentSinceNanos = System.nanoTime();
      } catch (StatusException lost) {
        if (!LeaderFollower.concernsLeadership(lost.getStatus(), lost.getTrailers())
            || System.nanoTime() - silentSinceNanos > WATCH_PATIENCE.toNanos()) {
          throw new StatusRuntimeException(lost.getStatus(), lost.getTrailers());
        }
        follower.forgetLeader();
      } finally {
        call.cancel("no longer watched", null);
      }
    }
  }

  /**
   * Fetches a completed job's bundle, verified file by file.
   *
   * @param out the bundle's directory, which must not exist yet
   */
  public void bundle(String id, Path out) throws IOException, InterruptedException {
    JobView job = get(id);
    String manifestDigest =
        job.bundleManifestSha256()
            .orElseThrow(
                () ->
                    new IOException(
                        "job "
                            + id
                            + " is "
                            + job.state()
                            + " and has no bundle; a completed job has one"));
    Path folder = Optional.ofNullable(out.toAbsolutePath().getParent()).orElse(Path.of("/"));
    Path fetched = folder.resolve("." + out.getFileName() + ".fetched");
    try (BundleWriter writer = BundleWriter.create(out)) {
      Blobs.get(follower, manifestDigest, fetched);
      byte[] json = Files.readAllBytes(fetched);
      writer.add(Bundle.MANIFEST, json);
      for (FileEntry entry : Manifest.parse(Bundle.MANIFEST, json).files()) {
        Blobs.get(follower, entry.sha256(), fetched);
        try (InputStream bytes = Files.newInputStream(fetched)) {
          writer.add(entry.path(), bytes, entry.bytes());
        }
      }
      writer.commit();
    } finally {
      Files.deleteIfExists(fetched);
    }
  }

  @Override
  public void close() {
    follower.close();
  }

  private static JobView view(JobStatus status) {
    return new JobView(
        status.getJobId(),
        status.getName(),
        stateName(status.getState()),
        switch (status.getState()) {
          case JOB_STATE_COMPLETED, JOB_STATE_FAILED, JOB_STATE_CANCELLED -> true;
          case JOB_STATE_QUEUED, JOB_STATE_RUNNING, JOB_STATE_UNSPECIFIED, UNRECOGNIZED -> false;
        },
        status.getDetail(),
        status.getProgress().getStep(),
        status.getProgress().getStepsTotal(),
        status.getProgress().getLoss(),
        status.getProgress().getSamplesPerSecond(),
        status.getSubmittedAtMillis(),
        status.getEpochsList().stream()
            .map(e -> new JobView.Epoch(e.getEpoch(), e.getAucMean(), e.getLoss(), e.getBest()))
            .toList(),
        status.getMembersList().stream()
            .map(
                m ->
                    new JobView.Member(
                        m.getName(),
                        m.getRank(),
                        m.getStep(),
                        m.getStepsComputed(),
                        m.getSamplesComputed(),
                        m.getStateDigest(),
                        m.getShare(),
                        m.getSamplesPerSecond(),
                        m.getSlow()))
            .toList(),
        new JobView.View(
            status.getView(),
            status.getViewLeaderEpoch(),
            status.getViewCause(),
            status.getCommittedStep(),
            status.getCheckpointsList().stream()
                .map(held -> held.getHolding().getLabel().getStep())
                .toList()),
        status.getBundleManifestSha256().isEmpty()
            ? Optional.empty()
            : Optional.of(status.getBundleManifestSha256()));
  }

  private static String stateName(JobState state) {
    return state.name().replace("JOB_STATE_", "").toLowerCase(Locale.ROOT);
  }
}
