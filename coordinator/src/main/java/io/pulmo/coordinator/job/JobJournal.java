package io.pulmo.coordinator.job;

import java.util.List;

/** The jobs' records as they outlive a leader. Every write throws if the leader leads no more. */
public interface JobJournal {
  /**
   * All records, in no order.
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
   * Drops a record.
   *
   * @throws JournalException if it was not dropped, or nobody knows whether it was
   */
  void forget(String jobId);
}
