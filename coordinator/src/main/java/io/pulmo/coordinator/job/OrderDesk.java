package io.pulmo.coordinator.job;

import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.model.view.ViewLeader;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Where the orders of a job's views go out to the workers that are here. */
final class OrderDesk implements ViewLeader.Orders {
  private final String jobId;
  private final ViewJournal journal;
  private final Map<String, Recruit> recruits;
  private final Consumer<Recruit> released;

  /**
   * For the job's workers.
   *
   * @param recruits who is here, by id; the caller's own map
   * @param released told of each worker that the views need no more
   */
  OrderDesk(
      String jobId,
      ViewJournal journal,
      Map<String, Recruit> recruits,
      Consumer<Recruit> released) {
    this.jobId = jobId;
    this.journal = journal;
    this.recruits = recruits;
    this.released = released;
  }

  @Override
  public void prepare(String memberId, long view) {
    send(memberId, new Order.Prepare(jobId, view));
  }

  @Override
  public void copy(String memberId, long view, Holding what, Seat from) {
    send(memberId, new Order.Copy(jobId, view, what, from));
  }

  @Override
  public void restore(String memberId, long view, ViewJournal.Published what, List<Seat> holders) {
    send(memberId, new Order.Restore(jobId, view, what, holders));
  }

  @Override
  public void start(String memberId, long view) {
    send(memberId, new Order.Start(jobId, view));
  }

  @Override
  public void install(String memberId, View view) {
    send(memberId, new Order.Install(jobId, view, journal.current().gaps()));
  }

  @Override
  public void keep(String memberId, List<ViewJournal.Published> published) {
    List<String> hashes = published.stream().map(ViewJournal.Published::sha256).toList();
    send(memberId, new Order.Keep(jobId, hashes));
  }

  @Override
  public void release(String memberId) {
    Recruit recruit = recruits.get(memberId);
    if (recruit != null) {
      released.accept(recruit);
    }
  }

  private void send(String memberId, Order order) {
    Recruit recruit = recruits.get(memberId);
    if (recruit != null) {
      recruit.line.send(order);
    }
  }
}
