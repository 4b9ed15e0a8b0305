package io.pulmo.coordinator.job;

import io.pulmo.coordinator.FakeClock;
import io.pulmo.coordinator.membership.Members;
import io.pulmo.coordinator.membership.Presence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;

/** A leader's jobs with fake workers, a fake clock and a journal in memory. */
final class Cluster {
  static final String LIST = "a".repeat(64);
  static final String BUNDLE = "b".repeat(64);
  static final Duration PATIENCE = Duration.ofSeconds(60);

  final FakeClock clock = new FakeClock();
  final MemoryJournal journal = new MemoryJournal();
  final Map<String, Long> blobs = new HashMap<>(Map.of(LIST, 8L, BUNDLE, 100L));
  final List<String> changed = new ArrayList<>();
  final Map<String, FakeWorker> workers = new LinkedHashMap<>();
  Members members = new Members(clock::nanos);
  Jobs jobs;
  private long epoch;
  private int named;

  Cluster() {
    jobs = lead();
  }

  private Jobs lead() {
    epoch++;
    return new Jobs(
        new Jobs.Office(epoch, journal, files(), members, PATIENCE, EventLog.none()),
        clock,
        clock::nanos,
        new Random(1),
        changed::add);
  }

  private StoredFiles files() {
    return new StoredFiles() {
      @Override
      public OptionalLong size(String sha256) {
        Long bytes = blobs.get(sha256);
        return bytes == null ? OptionalLong.empty() : OptionalLong.of(bytes);
      }

      @Override
      public Optional<List<String>> images(String trainSha256, String validationSha256) {
        return Optional.of(List.of("a.png", "b.png"));
      }

      @Override
      public Optional<String> lacking(String manifestSha256) {
        return blobs.containsKey(manifestSha256)
            ? Optional.empty()
            : Optional.of("its manifest " + manifestSha256);
      }
    };
  }

  /** The next leader takes office; the workers are still to find it. */
  void newLeader() {
    members = new Members(clock::nanos);
    jobs = lead();
  }

  FakeWorker join(String id) {
    FakeWorker worker = new FakeWorker(id, members.join(FakeWorker.member(id)));
    workers.put(id, worker);
    jobs.joined(worker.member, worker, "");
    settle();
    return worker;
  }

  /** A worker finds the new leader, and tells of its job unasked. */
  void attach(FakeWorker worker, String job) {
    Presence unused = members.join(worker.member);
    jobs.joined(worker.member, worker, "");
    worker.enlisted(job, report -> jobs.report(worker.member, report));
    settle();
  }

  void lose(FakeWorker worker, String cause) {
    workers.remove(worker.member.id());
    Presence presence = worker.presence;
    if (presence != null) {
      members.leave(presence);
    }
    jobs.left(worker.member, cause);
    settle();
  }

  /** Has everyone answer until nobody has anything to say. */
  void settle() {
    boolean any = true;
    while (any) {
      any = false;
      for (FakeWorker worker : List.copyOf(workers.values())) {
        any |= worker.hasWork();
        worker.leaderEpoch = epoch;
        worker.answer(report -> jobs.report(worker.member, report));
      }
    }
  }

  /** Lets time pass as a leader sees it. */
  void pass(Duration time) {
    for (long millis = 0; millis < time.toMillis(); millis += 100) {
      clock.advance(Duration.ofMillis(100));
      jobs.tick();
      settle();
    }
  }

  void steps(String job, int steps) {
    for (FakeWorker worker : workers.values()) {
      worker.step(job, steps, report -> jobs.report(worker.member, report));
    }
    settle();
  }

  /** Every worker has trained to the end, and rank 0 has exported. */
  void end(String job, String manifest) {
    for (FakeWorker worker : List.copyOf(workers.values())) {
      worker.ended(
          job, worker.rank() == 0 ? manifest : "", report -> jobs.report(worker.member, report));
    }
    settle();
  }

  Submission submission(String key, String more) {
    String yaml = "name: first\ndata: {train: t, validation: v, images: i}\n" + more;
    return new Submission(
        yaml, List.of(new JobRecord.File("t", LIST, 8), new JobRecord.File("v", LIST, 8)), key);
  }

  String submit(String more) {
    // Jobs of one name and content would be one job.
    named++;
    Submission one = submission("", more);
    String job =
        jobs.submit(new Submission(one.yaml().replace("first", "job-" + named), one.files(), ""));
    settle();
    return job;
  }
}
