package io.pulmo.worker;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.worker.rpc.Reports;
import io.pulmo.worker.train.Judgement;
import java.util.ArrayDeque;

/** The newest epochs' judgements, for leaders that have not heard them. */
final class Judgements {
  private static final int MOST = 128;

  private record Judged(long view, Judgement judgement) {}

  private final String jobId;
  private final Reports reports;

  @GuardedBy("this")
  private final ArrayDeque<Judged> all = new ArrayDeque<>();

  Judgements(String jobId, Reports reports) {
    this.jobId = jobId;
    this.reports = reports;
  }

  /** One more, which is told. */
  synchronized void add(long view, Judgement judgement) {
    if (all.size() == MOST) {
      all.removeFirst();
    }
    all.addLast(new Judged(view, judgement));
    reports.judged(jobId, view, judgement);
  }

  /** Tells all of them. */
  synchronized void tell() {
    all.forEach(one -> reports.judged(jobId, one.view, one.judgement));
  }
}
