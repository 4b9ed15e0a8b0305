package io.pulmo.coordinator.job;

import io.pulmo.model.view.ViewJournal;
import java.util.List;
import java.util.function.Supplier;

/** The jobs' records as they outlive a leader. Every write throws if the leader leads no more. */
public interface JobJournal {
  /**
   * All records, in no order. One that is unreadable comes as that of a failed job that says so.
   *
   * @throws JournalException if they cannot be read
   */
  List<JobRecord> load();

  /**
   * Writes a new record or a newer state of one.
   *
   * @throws JournalException if it was not written, or nobody knows whether it was
   */
  void write(JobRecord job);

  /**
   * Drops a record, that of the job's views with it.
   *
   * @throws JournalException if it was not dropped, or nobody knows whether it was
   */
  void forget(String jobId);

  /**
   * A job's views, as of now.
   *
   * @param cause why the view that is being written came about, asked at each write
   * @throws JournalException if they cannot be read
   * @throws UnreadableRecordException if they are there but make no sense
   */
  ViewJournal views(String jobId, Supplier<String> cause);

  /**
   * The views that a job has had, the oldest first: the newest 500, or as many as a record has room
   * for.
   *
   * @throws JournalException if they cannot be read
   * @throws UnreadableRecordException if they are there but make no sense
   */
  List<PastView> pastViews(String jobId);
}
