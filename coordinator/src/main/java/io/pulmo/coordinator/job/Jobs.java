package io.pulmo.coordinator.job;

import io.pulmo.coordinator.job.RefusedException.Kind;
import io.pulmo.coordinator.membership.Member;
import io.pulmo.coordinator.membership.Members;
import io.pulmo.model.job.JobFile;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.job.JobSpecException;
import io.pulmo.model.view.ViewJournal;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leader's jobs: a queue whose head trains once enough workers are there. One thread owns it.
 *
 * <p>Every change of a job's state is in the journal before anyone is told of it. When a write
 * throws {@link JournalException}, this object is of no use any more: the journal knows better.
 */
public final class Jobs {
  /** Records kept; the oldest ended ones go. */
  public static final int MOST = 1_000;

  /** How long a running job waits for a worker that holds its state before it goes back. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Logger log = LoggerFactory.getLogger(Jobs.class);
  private static final String ID_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz";
  private static final int ID_LENGTH = 6;

  private final Office office;
  private final JobJournal journal;
  private final Members members;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;
  private final Consumer<String> changed;
  private final Map<String, Job> jobs = new LinkedHashMap<>();
  private final Map<String, WorkerLine> lines = new LinkedHashMap<>();
  private final Map<String, Member> here = new LinkedHashMap<>();
  private final Set<String> leaving = new HashSet<>();
  private @Nullable Training training;

  /**
   * What a leader works with.
   *
   * @param epoch its own, higher than that of every leader before it
   * @param journal where jobs outlive it
   * @param files that came with jobs or from them
   * @param members who is here
   * @param patience how long a running job waits for a worker that holds its state
   * @param events told what comes about
   */
  public record Office(
      long epoch,
      JobJournal journal,
      StoredFiles files,
      Members members,
      Duration patience,
      EventLog events) {}

  /**
   * Takes up the jobs of the journal.
   *
   * @param office what it works with
   * @param clock for the times that users see
   * @param nanoTime for waiting
   * @param random for ids
   * @param changed told the id of each job whose status has changed
   */
  public Jobs(
      Office office,
      InstantSource clock,
      LongSupplier nanoTime,
      RandomGenerator random,
      Consumer<String> changed) {
    this.office = office;
    this.journal = office.journal();
    this.members = office.members();
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
      Optional<String> lost = Optional.empty();
      @Nullable JobSpec spec = null;
      if (!record.state().ended()) {
        try {
          spec = JobFile.parse(record.yaml());
        } catch (JobSpecException e) {
          lost = Optional.of(e.getMessage() + "; submit it again");
        }
      }
      Job job = new Job(record, spec);
      jobs.put(job.id(), job);
      if (lost.isPresent()) {
        end(job, JobState.FAILED, lost.get());
      } else if (job.state() == JobState.RUNNING) {
        train(job);
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
    submission.check(spec, office.files()::size);
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
            0,
            "",
            List.of(),
            0,
            null,
            List.of(),
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
      end(job, JobState.CANCELLED, "cancelled by a user");
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

  /**
   * The views that a job has had, the oldest first, as far as its record goes back.
   *
   * @throws RefusedException if there is no such job
   * @throws UnreadableRecordException if its record makes no sense
   */
  public List<PastView> views(String jobId) {
    return journal.pastViews(find(jobId).id());
  }

  /**
   * The restores of a job, the oldest first.
   *
   * @throws RefusedException if there is no such job
   * @throws UnreadableRecordException if its record makes no sense
   */
  public List<ViewJournal.Restore> restores(String jobId) {
    return journal.views(find(jobId).id(), () -> "").current().gaps();
  }

  private JobRecord status(Job job) {
    Training current = training;
    if (current != null && current.job() == job) {
      return job.record(current.detail(), current.standing());
    }
    return job.state() == JobState.QUEUED
        ? job.record(whyItWaits(job), job.standing())
        : job.record();
  }

  private String whyItWaits(Job job) {
    Optional<Job> before = Optional.ofNullable(training).map(Training::job);
    if (before.isEmpty()) {
      before = firstQueued().filter(first -> first != job);
    }
    if (before.isPresent()) {
      return "waits for job " + before.get().id();
    }
    return "waits for workers: " + staying() + " of " + job.spec().workers().min();
  }

  private long staying() {
    return members.inOrder().stream().filter(one -> !leaving.contains(one.id())).count();
  }

  /**
   * A member came.
   *
   * @param replaces the member whose state folder it has taken over, empty for none
   */
  public void joined(Member member, WorkerLine line, String replaces) {
    lines.put(member.id(), line);
    here.put(member.id(), member);
    if (training != null) {
      training.joined(member, line, replaces);
    }
    firstQueued().ifPresent(job -> changed.accept(job.id()));
    settle();
  }

  /**
   * A member is gone, and out of {@link Members} already.
   *
   * @param cause how it went
   */
  public void left(Member member, String cause) {
    lines.remove(member.id());
    here.remove(member.id());
    leaving.remove(member.id());
    office.events().write(EventLog.Kind.EVICT, member.id(), cause);
    if (training != null) {
      training.left(member, cause);
    }
    firstQueued().ifPresent(job -> changed.accept(job.id()));
    settle();
  }

  /** A member wants to go: it may, once no view counts on it. */
  public void leaving(Member member) {
    WorkerLine line = lines.get(member.id());
    if (line == null || !leaving.add(member.id())) {
      return;
    }
    if (training != null) {
      training.leaving(member);
    } else {
      line.send(new Order.Released());
    }
    settle();
  }

  /** A member reports. Words about anything but the job that trains mean nothing. */
  public void report(Member member, WorkerReport report) {
    Training current = training;
    if (current == null || !current.job().id().equals(report.jobId())) {
      if (report instanceof WorkerReport.Enlisted stale) {
        WorkerLine line = lines.get(member.id());
        if (line != null) {
          line.send(new Order.Discharge(stale.jobId(), "the job does not run any more"));
        }
      }
      return;
    }
    if (report instanceof WorkerReport.Judged judged) {
      if (current.has(member) && current.job().epoch(judged.epoch())) {
        journal.write(current.job().record("", current.standing()));
      }
    } else {
      current.report(member, report);
    }
    settle();
  }

  /** Does what is due. */
  public void tick() {
    if (training != null) {
      training.tick();
    }
    settle();
  }

  /** Ends the job whose training is over, and goes on with the next. */
  private void settle() {
    Training current = training;
    if (current != null) {
      Job job = current.job();
      Optional<Training.Outcome> outcome = current.outcome();
      if (outcome.isPresent()) {
        switch (outcome.get()) {
          case Training.Outcome.Completed completed -> complete(current, completed.manifest());
          case Training.Outcome.Failed failed -> end(job, JobState.FAILED, failed.why());
        }
      } else {
        changed.accept(job.id());
      }
    }
    startNext();
  }

  private void complete(Training over, String manifest) {
    Job job = over.job();
    job.complete(over.standing(), manifest, clock.millis());
    journal.write(job.record());
    log.info("job {} completed", job.id());
    office
        .events()
        .write(
            EventLog.Kind.COMPLETE,
            job.id(),
            job.standing().view(),
            job.standing().committedStep(),
            "",
            manifest);
    training = null;
    over.discharge("the job is completed");
    changed.accept(job.id());
  }

  private void end(Job job, JobState state, String why) {
    Training over = training != null && training.job() == job ? training : null;
    job.abort(state, why, over == null ? job.standing() : over.standing(), clock.millis());
    journal.write(job.record());
    log.info("job {} {}: {}", job.id(), state, why);
    if (over != null) {
      training = null;
      over.discharge(why);
    }
    changed.accept(job.id());
  }

  private Optional<Job> firstQueued() {
    return jobs.values().stream().filter(job -> job.state() == JobState.QUEUED).findFirst();
  }

  private void startNext() {
    Optional<Job> next = firstQueued();
    while (training == null && next.isPresent() && staying() >= next.get().spec().workers().min()) {
      Job job = next.get();
      job.start(clock.millis());
      journal.write(job.record());
      log.info("job {} starts, {} workers are here", job.id(), members.inOrder().size());
      train(job);
      jobs.values().stream()
          .filter(other -> !other.state().ended())
          .forEach(other -> changed.accept(other.id()));
      next = firstQueued();
    }
  }

  private void train(Job job) {
    Training begun;
    try {
      begun =
          new Training(
              job,
              office.epoch(),
              journal,
              office.files(),
              office.patience(),
              office.events(),
              nanoTime);
    } catch (JournalException e) {
      throw e;
    } catch (RuntimeException e) {
      // Another leader would come to the same: the job fails, the leader stays.
      log.warn("job {} cannot be taken up", job.id(), e);
      end(job, JobState.FAILED, e.getMessage() + "; submit it again");
      return;
    }
    training = begun;
    for (Member member : List.copyOf(here.values())) {
      WorkerLine line = lines.get(member.id());
      if (line != null && !leaving.contains(member.id())) {
        begun.joined(member, line, "");
      }
    }
  }
}
