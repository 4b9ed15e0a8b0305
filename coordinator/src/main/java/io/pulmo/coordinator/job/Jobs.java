package io.pulmo.coordinator.job;

import io.pulmo.coordinator.job.RefusedException.Kind;
import io.pulmo.coordinator.membership.Member;
import io.pulmo.coordinator.membership.Members;
import io.pulmo.coordinator.ring.RingPlan;
import io.pulmo.model.job.JobFile;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.job.JobSpecException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leader's jobs: a queue whose head trains on all members once enough are there. One thread
 * owns it.
 *
 * <p>Every change of a job's state is in the journal before anyone is told of it. When a write
 * throws {@link JournalException}, this object is of no use any more: the journal knows better.
 */
public final class Jobs {
  /** Records kept; the oldest ended ones go. */
  public static final int MOST = 1_000;

  /** How long a reported failure waits for the loss of a member that explains it. */
  public static final Duration GRACE = Duration.ofMillis(2_500);

  /**
   * How long no job starts after a member was lost: what took one may have taken others, whose loss
   * shows a little later and would fail the next job too.
   */
  public static final Duration SETTLING = Duration.ofSeconds(1);

  private static final Logger log = LoggerFactory.getLogger(Jobs.class);
  private static final String ID_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz";
  private static final int ID_LENGTH = 6;

  private final JobJournal journal;
  private final Function<String, OptionalLong> blobSizes;
  private final Members members;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;
  private final Consumer<String> changed;
  private final Map<String, Job> jobs = new LinkedHashMap<>();
  private final Map<String, WorkerLine> lines = new HashMap<>();
  private @Nullable Run run;
  private boolean settling;
  private long lastLossNanos;

  /**
   * Takes up the jobs of the journal.
   *
   * @param journal where they outlive this leader
   * @param blobSizes the size of a stored blob, by SHA-256
   * @param members who is here
   * @param clock for the times that users see
   * @param nanoTime for waiting
   * @param random for ids
   * @param changed told the id of each job whose status has changed
   */
  public Jobs(
      JobJournal journal,
      Function<String, OptionalLong> blobSizes,
      Members members,
      InstantSource clock,
      LongSupplier nanoTime,
      RandomGenerator random,
      Consumer<String> changed) {
    this.journal = journal;
    this.blobSizes = blobSizes;
    this.members = members;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.random = random;
    this.changed = changed;
    takeUp();
  }

  private void takeUp() {
    List<JobRecord> records =
        journal.load().stream().sorted(Comparator.comparingLong(JobRecord::sequence)).toList();
    for (JobRecord record : records) {
      Optional<String> lost =
          switch (record.state()) {
            case RUNNING -> Optional.of("the leader changed during training: submit it again");
            case QUEUED, COMPLETED, FAILED, CANCELLED -> Optional.empty();
          };
      @Nullable JobSpec spec = null;
      if (record.state() == JobState.QUEUED) {
        try {
          spec = JobFile.parse(record.yaml());
        } catch (JobSpecException e) {
          lost = Optional.of(e.getMessage() + "; submit it again");
        }
      }
      Job job = new Job(record, spec);
      jobs.put(job.id(), job);
      if (lost.isPresent()) {
        end(job, JobState.FAILED, lost.get(), job.members());
      }
    }
  }

  /**
   * Takes a job into the queue.
   *
   * @return its id; that of an earlier job if this submission {@linkplain Submission#earlier is
   *     that one}
   * @throws JobSpecException if JOB.yaml does not say what to train
   * @throws RefusedException if a file is missing, there is no room, or another job of that name
   *     waits or runs
   */
  public String submit(Submission submission) {
    JobSpec spec = JobFile.parse(submission.yaml());
    Optional<String> earlier =
        submission.earlier(
            spec.name(), jobs.values().stream().map(Job::record).toList().reversed());
    if (earlier.isPresent()) {
      return earlier.get();
    }
    submission.check(spec, blobSizes);
    makeRoom();
    long sequence = jobs.values().stream().mapToLong(Job::sequence).max().orElse(0) + 1;
    JobRecord record =
        new JobRecord(
            newId(spec.name()),
            sequence,
            spec.name(),
            submission.idempotencyKey(),
            submission.yaml(),
            submission.files(),
            JobState.QUEUED,
            "",
            clock.millis(),
            0,
            0,
            0,
            List.of(),
            null,
            List.of(),
            "");
    journal.write(record);
    jobs.put(record.id(), new Job(record, spec));
    log.info("job {} submitted", record.id());
    startNext();
    return record.id();
  }

  private void makeRoom() {
    if (jobs.size() < MOST) {
      return;
    }
    Job oldest =
        jobs.values().stream()
            .filter(job -> job.state().ended())
            .findFirst()
            .orElseThrow(
                () ->
                    new RefusedException(
                        Kind.FULL, MOST + " jobs wait already: cancel some or submit later"));
    journal.forget(oldest.id());
    jobs.remove(oldest.id());
  }

  private String newId(String name) {
    while (true) {
      StringBuilder id = new StringBuilder(name).append('-');
      for (int i = 0; i < ID_LENGTH; i++) {
        id.append(ID_LETTERS.charAt(random.nextInt(ID_LETTERS.length())));
      }
      if (!jobs.containsKey(id.toString())) {
        return id.toString();
      }
    }
  }

  /**
   * A job's status now.
   *
   * @throws RefusedException if there is no such job
   */
  public JobRecord get(String jobId) {
    return status(find(jobId));
  }

  /** All jobs' statuses, the newest first. */
  public List<JobRecord> list() {
    return jobs.values().stream().map(this::status).toList().reversed();
  }

  /**
   * Ends a job that waits or runs; one that is cancelled already stays so.
   *
   * @throws RefusedException if there is no such job or it has ended otherwise
   */
  public JobRecord cancel(String jobId) {
    Job job = find(jobId);
    if (job.state() != JobState.CANCELLED) {
      if (job.state().ended()) {
        throw new RefusedException(
            Kind.TOO_LATE,
            "job " + jobId + " has ended (" + job.state() + "): expected one that waits or runs");
      }
      end(job, JobState.CANCELLED, "cancelled by a user", participants(job));
      startNext();
    }
    return status(job);
  }

  private Job find(String jobId) {
    Job job = jobs.get(jobId);
    if (job == null) {
      throw new RefusedException(
          Kind.UNKNOWN, "no job '" + jobId + "': expected an id as 'pulmo train list' shows them");
    }
    return job;
  }

  private JobRecord status(Job job) {
    return job.state() == JobState.QUEUED
        ? job.record(whyItWaits(job), job.members())
        : job.record(job.record().detail(), participants(job));
  }

  private String whyItWaits(Job job) {
    Optional<Job> before = run != null ? Optional.of(run.job()) : Optional.empty();
    if (before.isEmpty()) {
      before = firstQueued().filter(first -> first != job);
    }
    if (before.isPresent()) {
      return "waits for job " + before.get().id();
    }
    int here = members.inOrder().size();
    int least = job.spec().workers().min();
    return here >= least && settling
        ? "waits a moment: a worker was lost, others may follow"
        : "waits for workers: " + here + " of " + least;
  }

  private List<JobRecord.Participant> participants(Job job) {
    return run != null && run.job() == job ? run.participants() : job.members();
  }

  /** A member came. */
  public void joined(Member member, WorkerLine line) {
    lines.put(member.id(), line);
    firstQueued().ifPresent(job -> changed.accept(job.id()));
    startNext();
  }

  /**
   * A member is gone, and out of {@link Members} already. The job that it trained fails.
   *
   * @param cause how it went
   */
  public void left(Member member, String cause) {
    lines.remove(member.id());
    settling = true;
    lastLossNanos = nanoTime.getAsLong();
    firstQueued().ifPresent(job -> changed.accept(job.id()));
    Run current = run;
    if (current != null && current.has(member.id()) && !current.hasCompleted(member.id())) {
      fail(current, "worker " + member.label() + " was lost: " + cause);
    }
  }

  /** A member reports steps. Reports about anything but the run under way mean nothing. */
  public void progress(Member member, String jobId, long view, JobRecord.Progress progress) {
    Run current = currentRun(member, jobId, view);
    if (current == null) {
      return;
    }
    current.progress(member.id(), progress);
    JobRecord.@Nullable Progress newest = current.job().record().progress();
    if (newest == null || newest.step() <= progress.step()) {
      current.job().progress(progress);
    }
    changed.accept(jobId);
  }

  /** A member reports an epoch's validation: all report the same, the first one counts. */
  public void epoch(Member member, String jobId, long view, JobRecord.Epoch epoch) {
    Run current = currentRun(member, jobId, view);
    if (current != null && current.job().epoch(epoch)) {
      journal.write(current.job().record("", current.participants()));
      changed.accept(jobId);
    }
  }

  /** A member has finished; the last one completes the job. */
  public void completed(
      Member member, String jobId, long view, String stateDigest, String bundleManifest) {
    Run current = currentRun(member, jobId, view);
    if (current == null) {
      return;
    }
    current.completed(member.id(), stateDigest, bundleManifest);
    changed.accept(jobId);
    if (!current.allCompleted()) {
      return;
    }
    Optional<String> difference = current.difference();
    if (difference.isPresent()) {
      fail(current, "the workers' final states differ: " + difference.get());
    } else if (current.manifest().isEmpty() || blobSizes.apply(current.manifest()).isEmpty()) {
      fail(
          current,
          "the bundle is not there: worker "
              + current.plan().seats().getFirst().member().label()
              + " named the manifest '"
              + current.manifest()
              + "', expected a stored blob");
    } else {
      Job job = current.job();
      run = null;
      job.complete(current.participants(), current.manifest(), clock.millis());
      journal.write(job.record());
      log.info("job {} completed", job.id());
      changed.accept(job.id());
      startNext();
    }
  }

  /**
   * A member has given up.
   *
   * @param culpritId whom it holds responsible, empty for itself or nobody
   */
  public void failed(Member member, String jobId, long view, String error, String culpritId) {
    Run current = currentRun(member, jobId, view);
    if (current != null) {
      current.failed(member.id(), error, culpritId, nanoTime.getAsLong());
      tick();
    }
  }

  /** Does what is due. */
  public void tick() {
    Run current = run;
    if (current != null && current.failureIsRipe(nanoTime.getAsLong(), GRACE.toNanos())) {
      fail(current, current.verdict());
    }
    if (settling && nanoTime.getAsLong() - lastLossNanos >= SETTLING.toNanos()) {
      settling = false;
      startNext();
    }
  }

  private @Nullable Run currentRun(Member member, String jobId, long view) {
    return run != null && run.is(jobId, view) && run.has(member.id()) ? run : null;
  }

  private void fail(Run failed, String why) {
    end(failed.job(), JobState.FAILED, why, failed.participants());
    startNext();
  }

  private void end(Job job, JobState state, String why, List<JobRecord.Participant> participants) {
    Run ended = run != null && run.job() == job ? run : null;
    job.abort(state, why, participants, clock.millis());
    journal.write(job.record());
    log.info("job {} {}: {}", job.id(), state, why);
    if (ended != null) {
      run = null;
      for (RingPlan.Seat seat : ended.plan().seats()) {
        WorkerLine line = lines.get(seat.member().id());
        if (line != null) {
          line.stop(job.id(), job.view(), why);
        }
      }
    }
    changed.accept(job.id());
  }

  private Optional<Job> firstQueued() {
    Collection<Job> all = jobs.values();
    return all.stream().filter(job -> job.state() == JobState.QUEUED).findFirst();
  }

  private void startNext() {
    Optional<Job> next = firstQueued();
    if (run != null || settling || next.isEmpty()) {
      return;
    }
    Job job = next.get();
    List<Member> here = members.inOrder();
    JobSpec spec = job.spec();
    if (here.size() < spec.workers().min()) {
      return;
    }
    int most = Math.min(spec.workers().max(), spec.batch());
    RingPlan plan = RingPlan.of(here.subList(0, Math.min(most, here.size())));
    Run started = new Run(job, plan);
    job.start(started.participants(), clock.millis());
    journal.write(job.record());
    run = started;
    log.info("job {} starts on {} workers", job.id(), plan.seats().size());
    for (int rank = 0; rank < plan.seats().size(); rank++) {
      WorkerLine line = lines.get(plan.seats().get(rank).member().id());
      if (line != null) {
        line.start(new WorkerLine.Order(job.id(), job.view(), job.yaml(), job.files(), plan, rank));
      }
    }
    changed.accept(job.id());
    jobs.values().stream()
        .filter(other -> other.state() == JobState.QUEUED)
        .forEach(other -> changed.accept(other.id()));
  }
}
