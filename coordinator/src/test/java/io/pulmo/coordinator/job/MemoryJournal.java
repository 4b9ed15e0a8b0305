package io.pulmo.coordinator.job;

import io.pulmo.model.view.ViewJournal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** A journal in memory that can refuse to write, and have an unreadable record. */
final class MemoryJournal implements JobJournal {
  final Map<String, JobRecord> records = new LinkedHashMap<>();
  final Map<String, ViewJournal.Kept> kept = new HashMap<>();
  final Map<String, List<PastView>> past = new HashMap<>();
  boolean refuses;
  boolean viewsUnreadable;

  @Override
  public List<JobRecord> load() {
    return List.copyOf(records.values());
  }

  @Override
  public void write(JobRecord job) {
    check();
    records.put(job.id(), job);
  }

  @Override
  public void forget(String jobId) {
    records.remove(jobId);
  }

  private void check() {
    if (refuses) {
      throw new JournalException("a test refuses", null);
    }
  }

  @Override
  public ViewJournal views(String jobId, Supplier<String> cause) {
    if (viewsUnreadable) {
      throw new UnreadableRecordException("a test's record is unreadable", new Exception("x"));
    }
    return new ViewJournal() {
      @Override
      public Kept current() {
        return kept.getOrDefault(jobId, Kept.empty());
      }

      @Override
      public void write(Kept next) {
        check();
        if (!next.view().equals(current().view())) {
          next.view()
              .ifPresent(
                  view ->
                      past.computeIfAbsent(jobId, id -> new ArrayList<>())
                          .add(
                              new PastView(
                                  view.id(),
                                  view.leaderEpoch(),
                                  view.continues(),
                                  List.of(),
                                  cause.get())));
        }
        kept.put(jobId, next);
      }
    };
  }

  @Override
  public List<PastView> pastViews(String jobId) {
    if (viewsUnreadable) {
      throw new UnreadableRecordException("a test's record is unreadable", new Exception("x"));
    }
    return past.getOrDefault(jobId, List.of());
  }
}
