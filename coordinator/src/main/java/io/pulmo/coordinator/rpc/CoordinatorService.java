package io.pulmo.coordinator.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.coordinator.job.BlobFiles;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.BlobUses;
import io.pulmo.coordinator.job.EventLog;
import io.pulmo.coordinator.job.JobJournal;
import io.pulmo.coordinator.job.JobLedger;
import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.Jobs;
import io.pulmo.coordinator.job.JournalException;
import io.pulmo.coordinator.job.RefusedException;
import io.pulmo.coordinator.job.Submission;
import io.pulmo.coordinator.membership.Members;
import io.pulmo.model.job.JobSpecException;
import io.pulmo.proto.BlobChunk;
import io.pulmo.proto.CancelJobRequest;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.GetBlobRequest;
import io.pulmo.proto.GetJobRequest;
import io.pulmo.proto.GetLeaderRequest;
import io.pulmo.proto.GetLeaderResponse;
import io.pulmo.proto.GetLedgerRequest;
import io.pulmo.proto.GetLedgerResponse;
import io.pulmo.proto.JobStatus;
import io.pulmo.proto.ListJobsRequest;
import io.pulmo.proto.ListJobsResponse;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import io.pulmo.proto.SubmitJobRequest;
import io.pulmo.proto.SubmitJobResponse;
import io.pulmo.proto.WorkerMessage;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The gRPC service of a coordinator, whether it leads or not. */
public final class CoordinatorService extends CoordinatorGrpc.CoordinatorImplBase
    implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CoordinatorService.class);
  private static final long TICK_MILLIS = 100;
  private static final long BEAT_MILLIS = 500;
  private static final int MOST_SUBMISSIONS = 16;
  private static final Duration DIAL_PATIENCE = Duration.ofMillis(1_500);

  /** Ten ticks in which nothing was done: the process stood still, or a task took that long. */
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final Leadership leadership;
  private final BlobStore blobs;
  private final BlobCopies copies;
  private final BlobCalls blobCalls;
  private final BlobKeeper keeper;
  private final DialBack dialBack = new DialBack(DIAL_PATIENCE);
  private final Semaphore submissions = new Semaphore(MOST_SUBMISSIONS);
  private final SecureRandom random = new SecureRandom();
  private final Duration patience;
  private final EventLog events;
  private final Loop loop = new Loop(this::failed, this::confirmAfterPause);
  private final ScheduledExecutorService heart =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("pulmo-heartbeat").factory());
  private final LedgerReader ledgers;

  // Written by the loop alone.
  private volatile @Nullable Term term;
  private long awakeNanos = System.nanoTime();

  /**
   * A service that does not lead yet.
   *
   * @param leadership who does
   * @param blobs the files
   * @param uses which of them the jobs name
   * @param patience how long a running job waits for a worker that holds its state
   * @param events told what this coordinator does as the leader
   */
  public CoordinatorService(
      Leadership leadership, BlobStore blobs, BlobUses uses, Duration patience, EventLog events) {
    this.leadership = leadership;
    this.blobs = blobs;
    this.ledgers = new LedgerReader(blobs);
    this.patience = patience;
    this.events = events;
    this.copies = new BlobCopies(blobs, leadership::others);
    this.blobCalls = new BlobCalls(blobs, copies, this::refusal, System::nanoTime);
    this.keeper = new BlobKeeper(blobs, copies, uses, System::nanoTime);
    keeper.start();
    loop.every(TICK_MILLIS, this::tick);
    var unused =
        heart.scheduleWithFixedDelay(this::beat, BEAT_MILLIS, BEAT_MILLIS, TimeUnit.MILLISECONDS);
  }

  /**
   * Begins to lead.
   *
   * @param journal where jobs are kept
   * @param epoch of this leader
   * @param confirm throws {@link JournalException} unless that epoch is still the newest
   */
  public void elected(JobJournal journal, long epoch, Runnable confirm) {
    loop.postAlways(
        () -> {
          try {
            term = newTerm(journal, epoch, confirm);
            events.ofEpoch(epoch).write(EventLog.Kind.LEAD, "", "elected");
          } catch (RuntimeException | Error e) {
            // A leader without a term would be one that answers nobody.
            log.warn("this coordinator cannot take up the jobs and steps down", e);
            leadership.resign(epoch, "it could not take up the jobs: " + e.getMessage());
          }
        });
  }

  private Term newTerm(JobJournal journal, long epoch, Runnable confirm) {
    Members members = new Members(System::nanoTime);
    List<JobWatch> watches = new ArrayList<>();
    Jobs jobs =
        new Jobs(
            new Jobs.Office(
                epoch,
                journal,
                new BlobFiles(blobs, copies::want),
                members,
                patience,
                events.ofEpoch(epoch)),
            InstantSource.system(),
            System::nanoTime,
            random,
            jobId ->
                watches.stream()
                    .filter(watch -> watch.jobId().equals(jobId))
                    .forEach(JobWatch::changed));
    return new Term(
        epoch, confirm, members, jobs, watches, leadership::coordinators, System::nanoTime);
  }

  /**
   * After a pause of this process it may lead no more and not know it: nothing is done, and nobody
   * answered, before ZooKeeper has said that its epoch is the newest.
   */
  private void confirmAfterPause() {
    long nanos = System.nanoTime() - awakeNanos;
    Term led = term;
    if (nanos > PAUSE_NANOS && led != null) {
      log.info("awake after {} ms: asks ZooKeeper for the epoch", nanos / 1_000_000);
      led.confirm();
    }
    awakeNanos = System.nanoTime();
  }

  /** Leads no more: every stream ends. */
  public void deposed(String why) {
    loop.postAlways(() -> endTerm(why));
    Term led = term;
    if (led != null) {
      led.cutOff(why);
    }
  }

  /** Ends every stream and stops. */
  @Override
  public void close() {
    deposed("the coordinator stops");
    heart.shutdownNow();
    ledgers.close();
    keeper.close();
    copies.close();
    loop.close();
  }

  @Override
  public void getLeader(GetLeaderRequest request, StreamObserver<GetLeaderResponse> answer) {
    GetLeaderResponse.Builder response =
        GetLeaderResponse.newBuilder().setEpoch(leadership.epoch());
    leadership
        .leader()
        .ifPresentOrElse(
            leader -> response.setLeader(leader.toString()),
            () -> response.setWhyNone(leadership.whyNone()));
    leadership.coordinators().forEach(one -> response.addCoordinators(one.toString()));
    answer.onNext(response.build());
    answer.onCompleted();
  }

  @Override
  public StreamObserver<WorkerMessage> attach(StreamObserver<CoordinatorMessage> out) {
    Term at = term;
    if (at == null) {
      out.onError(notLeader());
      return new Ignored<>();
    }
    ControlStream stream =
        new ControlStream(serverCall(out), loop, at, at.epoch(), dialBack, System.nanoTime());
    Runnable attach =
        () -> {
          if (term == at) {
            at.attached(stream);
          } else {
            stream.close(Status.UNAVAILABLE.withDescription("the leader changed: attach again"));
          }
        };
    if (!loop.post(attach)) {
      stream.close(Wire.busy().getStatus());
    }
    return stream;
  }

  @Override
  public StreamObserver<PutBlobRequest> putBlob(StreamObserver<PutBlobResponse> answer) {
    return blobCalls.put(answer);
  }

  @Override
  public void getBlob(GetBlobRequest request, StreamObserver<BlobChunk> answer) {
    blobCalls.get(request, answer);
  }

  /** Why this coordinator does not do what a leader does, if it does not. */
  private Optional<StatusRuntimeException> refusal() {
    return term == null ? Optional.of(notLeader()) : Optional.empty();
  }

  @Override
  public void submitJob(SubmitJobRequest request, StreamObserver<SubmitJobResponse> answer) {
    Submission submission;
    try {
      submission = Wire.submission(request);
    } catch (StatusRuntimeException e) {
      answer.onError(e);
      return;
    }
    if (!submissions.tryAcquire()) {
      answer.onError(Wire.busy());
      return;
    }
    Thread.ofVirtual()
        .name("pulmo-submission")
        .start(
            () -> {
              // Where another leads, only that is to be said.
              Status secured = Status.INTERNAL;
              try {
                secured = refusal().isPresent() ? Status.OK : blobCalls.secure(submission);
              } finally {
                submissions.release();
                if (!secured.isOk()) {
                  answer.onError(secured.asRuntimeException());
                }
              }
              if (secured.isOk()) {
                onLeader(
                    answer,
                    led ->
                        SubmitJobResponse.newBuilder()
                            .setJobId(led.jobs().submit(submission))
                            .build());
              }
            });
  }

  @Override
  public void getJob(GetJobRequest request, StreamObserver<JobStatus> answer) {
    onLeader(answer, led -> Wire.status(led.jobs().get(jobId(request.getJobId()))));
  }

  @Override
  public void listJobs(ListJobsRequest request, StreamObserver<ListJobsResponse> answer) {
    onLeader(
        answer,
        led -> {
          ListJobsResponse.Builder response = ListJobsResponse.newBuilder();
          for (JobRecord job : led.jobs().list()) {
            response.addJobs(Wire.listed(job));
          }
          return response.build();
        });
  }

  @Override
  public void cancelJob(CancelJobRequest request, StreamObserver<JobStatus> answer) {
    onLeader(answer, led -> Wire.status(led.jobs().cancel(jobId(request.getJobId()))));
  }

  @Override
  public void getLedger(GetLedgerRequest request, StreamObserver<GetLedgerResponse> answer) {
    inTerm(
        answer, led -> ledgers.answer(JobLedger.of(led.jobs(), jobId(request.getJobId())), answer));
  }

  @Override
  public void watchJob(GetJobRequest request, StreamObserver<JobStatus> answer) {
    ServerCallStreamObserver<JobStatus> out = serverCall(answer);
    // A watcher that goes is noticed by the loop's next tick.
    out.setOnCancelHandler(() -> {});
    inTerm(answer, led -> led.watch(new JobWatch(jobId(request.getJobId()), out)));
  }

  private static String jobId(String id) {
    return Wire.text(id, 128);
  }

  /** Answers a call with what the loop makes of it, if this coordinator leads. */
  private <T> void onLeader(StreamObserver<T> answer, Function<Term, T> work) {
    inTerm(
        answer,
        led -> {
          answer.onNext(work.apply(led));
          answer.onCompleted();
        });
  }

  private void inTerm(StreamObserver<?> answer, Consumer<Term> work) {
    Runnable task =
        () -> {
          Term led = term;
          if (led == null) {
            answer.onError(notLeader());
            return;
          }
          try {
            work.accept(led);
          } catch (StatusRuntimeException e) {
            answer.onError(e);
          } catch (JobSpecException e) {
            answer.onError(Wire.invalid(String.valueOf(e.getMessage())));
          } catch (RefusedException e) {
            answer.onError(Wire.refused(e));
          } catch (JournalException e) {
            stepDown(e);
            answer.onError(
                Status.UNAVAILABLE
                    .withDescription(e.getMessage() + ": call again")
                    .withCause(e)
                    .asRuntimeException());
          } catch (RuntimeException e) {
            answer.onError(
                Status.INTERNAL
                    .withDescription("the coordinator failed: its log says how")
                    .withCause(e)
                    .asRuntimeException());
            throw e;
          }
        };
    if (!loop.post(task)) {
      answer.onError(Wire.busy());
    }
  }

  private void tick() {
    Term led = term;
    if (led != null) {
      led.tick();
    }
    blobCalls.tick();
  }

  private void beat() {
    Term led = term;
    if (led != null) {
      led.beat();
    }
  }

  private void endTerm(String why) {
    Term led = term;
    if (led != null) {
      term = null;
      events.ofEpoch(led.epoch()).write(EventLog.Kind.DEPOSED, "", why);
      led.end(why);
    }
  }

  private void failed(Throwable e) {
    if (e instanceof JournalException unwritten) {
      stepDown(unwritten);
    } else {
      log.error("the coordinator goes on after an unexpected error", e);
    }
  }

  /** What is in memory may differ from what is written: whoever leads next goes by the latter. */
  private void stepDown(JournalException e) {
    Term led = term;
    if (led != null) {
      log.warn("this coordinator steps down: {}", e.getMessage());
      endTerm(String.valueOf(e.getMessage()));
      // By now it may lead again, in a newer epoch that is not to blame.
      leadership.resign(led.epoch(), String.valueOf(e.getMessage()));
    }
  }

  private StatusRuntimeException notLeader() {
    return Wire.notLeader(leadership.leader(), leadership.whyNone());
  }

  /** Every observer of a server's call is one of these. */
  private static <T> ServerCallStreamObserver<T> serverCall(StreamObserver<T> observer) {
    return (ServerCallStreamObserver<T>) observer;
  }
}
