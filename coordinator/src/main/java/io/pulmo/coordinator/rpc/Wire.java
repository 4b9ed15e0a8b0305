package io.pulmo.coordinator.rpc;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.JobState;
import io.pulmo.coordinator.job.RefusedException;
import io.pulmo.coordinator.job.Submission;
import io.pulmo.coordinator.membership.Member;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.node.HostPort;
import io.pulmo.node.LeaderFollower;
import io.pulmo.proto.CheckpointHeld;
import io.pulmo.proto.EpochReport;
import io.pulmo.proto.Hello;
import io.pulmo.proto.JobFile;
import io.pulmo.proto.JobStatus;
import io.pulmo.proto.MemberStatus;
import io.pulmo.proto.Progress;
import io.pulmo.proto.RunId;
import io.pulmo.proto.SubmitJobRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Between messages and the domain; what comes in is checked here, field by field. */
final class Wire {
  static final int LONGEST_TEXT = 1_000;

  private static final int MOST_FILES = 16;
  private static final int MOST_CORES = 65_536;
  private static final Pattern WORD = Pattern.compile("[A-Za-z0-9_.:-]{1,128}");

  private Wire() {}

  static Member member(Hello hello) {
    return new Member(
        word("member_id", hello.getMemberId()),
        line("name", hello.getName()),
        ringAddress(hello.getRingAddress()),
        line("host_id", hello.getHostId()),
        cores(hello.getCores()),
        word("device", hello.getDevice()));
  }

  /** The member whose state folder this one has taken over, empty for none. */
  static String replaces(Hello hello) {
    String id = hello.getReplacesMemberId();
    return id.isEmpty() || id.equals(hello.getMemberId()) ? "" : word("replaces_member_id", id);
  }

  static HostPort ringAddress(String text) {
    try {
      return HostPort.parse(text);
    } catch (IllegalArgumentException e) {
      throw invalid("ring_address: " + e.getMessage());
    }
  }

  private static int cores(int cores) {
    if (cores < 1 || cores > MOST_CORES) {
      throw invalid("cores is " + Integer.toUnsignedString(cores) + ": expected at least 1");
    }
    return cores;
  }

  static Submission submission(SubmitJobRequest request) {
    if (request.getFilesCount() > MOST_FILES) {
      throw invalid(
          "files has " + request.getFilesCount() + " entries: expected at most " + MOST_FILES);
    }
    List<JobRecord.File> files = new ArrayList<>();
    for (JobFile file : request.getFilesList()) {
      files.add(
          new JobRecord.File(
              line("files.name", file.getName()),
              blobName("files.sha256", file.getSha256()),
              count("files.bytes", file.getBytes())));
    }
    String key = request.getIdempotencyKey();
    return new Submission(
        request.getJobYaml(), files, key.isEmpty() ? key : word("idempotency_key", key));
  }

  static String blobName(String field, String sha256) {
    if (!BlobStore.isName(sha256)) {
      throw invalid(
          field
              + " is '"
              + text(sha256, 80)
              + "': expected a SHA-256 of 64 lower-case hexadecimal digits");
    }
    return sha256;
  }

  static String digest(String digest) {
    return word("a state's digest", digest);
  }

  /** A worker's or user's words: bounded, without control characters but line ends. */
  static String text(String words, int longest) {
    StringBuilder text = new StringBuilder();
    words
        .codePoints()
        .limit(longest)
        .map(c -> Character.isISOControl(c) && c != '\n' ? ' ' : c)
        .forEach(text::appendCodePoint);
    return text.toString();
  }

  static JobStatus status(JobRecord job) {
    JobStatus.Builder status = summary(job).toBuilder();
    job.epochs().forEach(epoch -> status.addEpochs(epoch(job, epoch)));
    for (int rank = 0; rank < job.members().size(); rank++) {
      JobRecord.Participant member = job.members().get(rank);
      status.addMembers(
          MemberStatus.newBuilder()
              .setMemberId(member.id())
              .setName(member.name())
              .setRank(rank)
              .setStep(member.step())
              .setSamplesComputed(member.samplesComputed())
              .setStepsComputed(member.stepsComputed())
              .setStateDigest(member.stateDigest())
              .setShare(member.share())
              .setSamplesPerSecond(member.samplesPerSecond())
              .setSlow(member.slow()));
    }
    for (ViewJournal.Published checkpoint : job.checkpoints()) {
      status.addCheckpoints(
          CheckpointHeld.newBuilder()
              .setJobId(job.id())
              .setHolding(OrderWire.holding(new Holding(checkpoint.label(), checkpoint.digest())))
              .setSha256(checkpoint.sha256())
              .setBestAuc(checkpoint.bestAuc()));
    }
    return status.build();
  }

  /** A status without members and with the newest epoch only: a thousand fit one message. */
  static JobStatus summary(JobRecord job) {
    JobStatus.Builder status =
        JobStatus.newBuilder()
            .setJobId(job.id())
            .setName(job.name())
            .setState(state(job.state()))
            .setDetail(job.detail())
            .setSubmittedAtMillis(job.submittedAtMillis())
            .setStartedAtMillis(job.startedAtMillis())
            .setEndedAtMillis(job.endedAtMillis())
            .setBundleManifestSha256(job.bundleManifestSha256())
            .setView(job.view())
            .setViewLeaderEpoch(job.viewLeaderEpoch())
            .setViewCause(job.viewCause())
            .setCommittedStep(job.committedStep());
    JobRecord.Progress progress = job.progress();
    if (progress != null) {
      status.setProgress(
          Progress.newBuilder()
              .setRun(run(job.id(), progress.view()))
              .setStep(progress.step())
              .setStepsTotal(progress.stepsTotal())
              .setEpoch(progress.epoch())
              .setLoss(progress.loss())
              .setSamplesPerSecond(progress.samplesPerSecond())
              .setSamplesComputed(progress.samplesComputed())
              .setStepsComputed(progress.stepsComputed()));
    }
    return status.build();
  }

  static JobStatus listed(JobRecord job) {
    JobStatus.Builder status = summary(job).toBuilder();
    if (!job.epochs().isEmpty()) {
      status.addEpochs(epoch(job, job.epochs().getLast()));
    }
    return status.build();
  }

  private static EpochReport epoch(JobRecord job, JobRecord.Epoch epoch) {
    return EpochReport.newBuilder()
        .setRun(run(job.id(), epoch.view()))
        .setEpoch(epoch.epoch())
        .setAucMean(epoch.aucMean())
        .addAllAuc(epoch.auc())
        .setLoss(epoch.loss())
        .setBest(epoch.best())
        .build();
  }

  private static io.pulmo.proto.JobState state(JobState state) {
    return switch (state) {
      case QUEUED -> io.pulmo.proto.JobState.JOB_STATE_QUEUED;
      case RUNNING -> io.pulmo.proto.JobState.JOB_STATE_RUNNING;
      case COMPLETED -> io.pulmo.proto.JobState.JOB_STATE_COMPLETED;
      case FAILED -> io.pulmo.proto.JobState.JOB_STATE_FAILED;
      case CANCELLED -> io.pulmo.proto.JobState.JOB_STATE_CANCELLED;
    };
  }

  private static RunId run(String jobId, long view) {
    return RunId.newBuilder().setJobId(jobId).setView(view).build();
  }

  static StatusRuntimeException refused(RefusedException e) {
    Status status =
        switch (e.kind()) {
          case INVALID -> Status.INVALID_ARGUMENT;
          case UNKNOWN -> Status.NOT_FOUND;
          case FULL -> Status.RESOURCE_EXHAUSTED;
          case TOO_LATE, NOT_STORED -> Status.FAILED_PRECONDITION;
          case EXISTS -> Status.ALREADY_EXISTS;
        };
    return status.withDescription(e.getMessage()).asRuntimeException();
  }

  static StatusRuntimeException invalid(String what) {
    return Status.INVALID_ARGUMENT.withDescription(what).asRuntimeException();
  }

  /** The answer to one call too many. */
  static StatusRuntimeException busy() {
    return Status.UNAVAILABLE
        .withDescription("the coordinator is too busy: call again")
        .asRuntimeException();
  }

  /** The answer of a coordinator that does not lead. */
  static StatusRuntimeException notLeader(Optional<HostPort> leader, String whyNone) {
    if (leader.isEmpty()) {
      return Status.UNAVAILABLE
          .withDescription("no coordinator leads at the moment (" + whyNone + "): call again")
          .asRuntimeException();
    }
    Metadata trailers = new Metadata();
    trailers.put(LeaderFollower.LEADER, leader.get().toString());
    return Status.FAILED_PRECONDITION
        .withDescription("this coordinator does not lead: call " + leader.get())
        .asRuntimeException(trailers);
  }

  private static String word(String field, String value) {
    if (!WORD.matcher(value).matches()) {
      throw invalid(
          field
              + " is '"
              + text(value, 80)
              + "': expected 1 to 128 letters, digits and any of _ . : -");
    }
    return value;
  }

  private static String line(String field, String value) {
    if (value.isEmpty()
        || value.length() > 255
        || value.chars().anyMatch(Character::isISOControl)) {
      throw invalid(
          field + " is '" + text(value, 80) + "': expected one line of 1 to 255 characters");
    }
    return value;
  }

  static long count(String field, long value) {
    if (value < 0) {
      throw invalid(
          field + " is " + Long.toUnsignedString(value) + ": expected less than 2 to the 63rd");
    }
    return value;
  }
}
