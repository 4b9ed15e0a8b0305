package io.pulmo.coordinator.job;

import io.pulmo.coordinator.membership.Member;
import io.pulmo.coordinator.membership.Presence;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.MemberViews;
import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.node.HostPort;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A worker that keeps its promises and computes nothing: its state is its label. What it is told
 * waits until the test lets it answer.
 */
final class FakeWorker implements WorkerLine {
  final Member member;
  final @Nullable Presence presence;
  final List<Order> told = new ArrayList<>();

  /** Whether it makes ready at once, or when the test says so. */
  boolean preparesAtOnce = true;

  /** What it says of the job's images. */
  byte[] images = new byte[0];

  /** Its state's digest, where it is not as it should be. */
  String digestWrong = "";

  /** Of the leader that speaks to it. */
  long leaderEpoch = 1;

  @Nullable Pulse pulse;

  private final Deque<Order> waiting = new ArrayDeque<>();
  private MemberViews views = newViews();
  private @Nullable View view;

  FakeWorker(String id, @Nullable Presence presence) {
    this.member = member(id);
    this.presence = presence;
  }

  static Member member(String id) {
    return new Member(id, "worker-" + id, new HostPort("127.0.0.1", 1), "host", 4, "cpu");
  }

  private MemberViews newViews() {
    // The supplier runs while the views are locked by the caller.
    return new MemberViews(() -> digest());
  }

  private String digest() {
    return digestWrong.isEmpty() ? "d" + views.label().map(Label::step).orElse(-1L) : digestWrong;
  }

  @Override
  public void send(Order order) {
    told.add(order);
    waiting.add(order);
  }

  @Override
  public Optional<Pulse> pulse() {
    return Optional.ofNullable(pulse);
  }

  boolean hasWork() {
    return !waiting.isEmpty();
  }

  /** Answers what it was told. */
  void answer(Consumer<WorkerReport> to) {
    while (!waiting.isEmpty()) {
      switch (waiting.remove()) {
        case Order.Enlist order -> {
          if (preparesAtOnce) {
            enlisted(order.jobId(), to);
          }
        }
        case Order.Prepare order -> reply(order.jobId(), order.view(), prepare(order), to);
        case Order.Start order -> adopt(order.jobId(), order.view(), Label.START, to);
        case Order.Copy order -> adopt(order.jobId(), order.view(), order.what().label(), to);
        case Order.Restore order -> adopt(order.jobId(), order.view(), order.what().label(), to);
        case Order.Install order -> {
          Answer answer = views.install(order.view().leaderEpoch(), order.view());
          if (answer instanceof Answer.Done) {
            view = order.view();
            to.accept(new WorkerReport.Installed(order.jobId(), order.view().id()));
          } else {
            reply(order.jobId(), order.view().id(), answer, to);
          }
        }
        case Order.Discharge order -> {
          views = newViews();
          view = null;
        }
        case Order.Keep order -> {
          // It has no files.
        }
        case Order.Released order -> {
          // A test looks at what was told.
        }
      }
    }
  }

  private Answer prepare(Order.Prepare order) {
    return views.prepare(leaderEpoch, order.view());
  }

  private void adopt(String jobId, long forView, Label label, Consumer<WorkerReport> to) {
    Answer answer = views.adopt(leaderEpoch, forView, label, () -> {});
    if (answer instanceof Answer.Done) {
      to.accept(new WorkerReport.Adopted(jobId, forView, views.holding().orElseThrow(), 1));
    } else {
      reply(jobId, forView, answer, to);
    }
  }

  private static void reply(String job, long view, Answer answer, Consumer<WorkerReport> to) {
    switch (answer) {
      case Answer.Promised promised -> to.accept(new WorkerReport.Promised(job, promised));
      case Answer.Refused refused -> to.accept(new WorkerReport.Refused(job, view, refused));
      case Answer.Done done -> throw new IllegalStateException("nothing to reply: " + done);
    }
  }

  void enlisted(String jobId, Consumer<WorkerReport> to) {
    to.accept(
        new WorkerReport.Enlisted(
            jobId, views.holding(), views.enteredView(), views.promisedView(), List.of(), images));
  }

  /** Takes steps of its view. */
  void step(String jobId, int steps, Consumer<WorkerReport> to) {
    View current = view();
    for (int i = 0; i < steps; i++) {
      Label label =
          views
              .step(current.id(), () -> {})
              .orElseThrow(() -> new IllegalStateException(member.id() + " may not go on"));
      to.accept(stepped(jobId, label));
    }
  }

  static WorkerReport.Stepped stepped(String jobId, Label label) {
    return new WorkerReport.Stepped(
        jobId,
        label,
        Optional.empty(),
        new JobRecord.Progress(
            label.view(), label.step(), 10, 0, 0.5, 9, 8 * label.step(), label.step()),
        new WorkerReport.Pace(60, 20, 10, 5, 8));
  }

  void ended(String jobId, String manifest, Consumer<WorkerReport> to) {
    to.accept(new WorkerReport.Ended(jobId, holding(), manifest));
  }

  Holding holding() {
    return views.holding().orElseThrow();
  }

  View view() {
    View current = view;
    if (current == null) {
      throw new IllegalStateException(member.id() + " is in no view");
    }
    return current;
  }

  int rank() {
    List<String> ids = view().seats().stream().map(seat -> seat.memberId()).toList();
    return ids.indexOf(member.id());
  }

  boolean isIn(long id) {
    return views.isIn(id);
  }

  <T extends Order> List<T> told(Class<T> kind) {
    return told.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  static ViewJournal.Published published(Label label, String sha256) {
    return new ViewJournal.Published(label, sha256, "d" + label.step(), Double.NaN);
  }
}
