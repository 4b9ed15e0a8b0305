package io.pulmo.model.view;

import io.pulmo.model.view.MemberViews.Answer;
import io.pulmo.model.view.ViewJournal.Published;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A coordinator: while it leads, or believes so, it has the job's {@link ViewLeader}. */
final class FakeCoordinator extends FakeProcess implements ViewLeader.Orders {
  final String name;
  private final Schedule schedule;
  private final Map<String, FakeStream> streams = new LinkedHashMap<>();
  private final Map<String, Holding> ends = new HashMap<>();
  private final Set<String> here = new HashSet<>();

  /** When a member was last known to be here, enlisted. */
  final Map<String, Long> seenNanos = new HashMap<>();

  private @Nullable ViewLeader views;
  private FakeEnsemble.@Nullable Journal journal;
  long epoch;
  long leadsSinceNanos;
  boolean hasZooKeeper = true;

  FakeCoordinator(String name, Schedule schedule) {
    this.name = name;
    this.schedule = schedule;
  }

  boolean isLeading() {
    return alive && views != null;
  }

  boolean isHere(String memberId) {
    return here.contains(memberId);
  }

  /** It has won the election. */
  void lead(FakeEnsemble ensemble, long newEpoch) {
    stepDown();
    epoch = newEpoch;
    leadsSinceNanos = schedule.now();
    FakeEnsemble.Journal record = ensemble.new Journal(this, newEpoch);
    journal = record;
    views = schedule.leader(this, record);
  }

  void stepDown() {
    views = null;
    journal = null;
    ends.clear();
    here.clear();
    seenNanos.clear();
    for (FakeStream stream : List.copyOf(streams.values())) {
      stream.closeAtCoordinator();
    }
    streams.clear();
  }

  @Override
  void die() {
    super.die();
    for (FakeStream stream : List.copyOf(streams.values())) {
      stream.breakDown();
    }
    streams.clear();
    views = null;
    journal = null;
  }

  void tick(boolean beats) {
    if (views == null) {
      return;
    }
    for (FakeStream stream : List.copyOf(streams.values())) {
      stream.checkAtCoordinator();
      if (beats) {
        long beat = epoch;
        stream.toWorker(worker -> worker.heartbeat(beat));
      }
    }
    on(ViewLeader::tick);
  }

  void reseat() {
    on(it -> it.reseat("other shares"));
  }

  /** What happens inside, and the end of the office if a write fails. */
  private void on(Consumer<ViewLeader> event) {
    ViewLeader current = views;
    if (current == null) {
      return;
    }
    try {
      event.accept(current);
      if (current.superseded().isPresent()) {
        schedule.trace("%s steps down: %s", name, current.superseded().get());
        stepDown();
        return;
      }
      complete(current);
    } catch (FakeEnsemble.WriteException e) {
      schedule.trace("%s steps down: %s", name, String.valueOf(e.getMessage()));
      stepDown();
    }
  }

  private void complete(ViewLeader current) {
    FakeEnsemble.Journal record = journal;
    Optional<View> view = current.view();
    if (record == null || view.isEmpty() || !current.isTurning()) {
      return;
    }
    List<Holding> held = new ArrayList<>();
    for (Seat seat : view.get().seats()) {
      Holding end = ends.get(seat.memberId());
      if (end == null || end.label().view() != view.get().id()) {
        return;
      }
      held.add(end);
    }
    if (held.stream().distinct().count() == 1) {
      record.complete(held.get(0).digest());
    }
  }

  void hello(FakeStream stream, String replaces) {
    FakeStream old = streams.put(stream.worker.memberId, stream);
    if (old != null && old != stream) {
      old.closeAtCoordinator();
    }
    if (here.remove(stream.worker.memberId)) {
      seenNanos.put(stream.worker.memberId, schedule.now());
      on(it -> it.lost(stream.worker.memberId, "it has attached again"));
    }
    long welcome = epoch;
    stream.toWorker(worker -> worker.welcome(stream, welcome));
    if (!replaces.isEmpty()) {
      on(it -> it.replaced(replaces));
    }
  }

  void detached(FakeStream stream) {
    String member = stream.worker.memberId;
    if (streams.remove(member, stream)) {
      if (here.remove(member)) {
        seenNanos.put(member, schedule.now());
      }
      on(it -> it.lost(member, "its control stream ended"));
    }
  }

  void enlisted(
      Applicant applicant,
      Optional<Holding> holding,
      long enteredView,
      long promisedView,
      List<Published> onDisk) {
    here.add(applicant.memberId());
    on(it -> it.enlisted(applicant, holding, enteredView, promisedView, onDisk));
  }

  void leaving(String memberId) {
    on(it -> it.leaving(memberId));
  }

  void answered(String memberId, long view, Answer answer) {
    on(
        it -> {
          switch (answer) {
            case Answer.Promised promised -> it.promised(memberId, promised);
            case Answer.Refused refused -> it.refused(memberId, view, refused);
            case Answer.Done done -> it.installed(memberId, view);
          }
        });
  }

  void adopted(String memberId, long view, Holding holding) {
    on(it -> it.adopted(memberId, view, holding));
  }

  void adoptFailed(String memberId, long view, String error) {
    on(it -> it.adoptFailed(memberId, view, error));
  }

  void stalled(String memberId, long view, String error, String culprit) {
    on(it -> it.stalled(memberId, view, error, culprit));
  }

  void stepped(String memberId, Label label, Optional<String> digest) {
    on(it -> it.stepped(memberId, label, digest));
  }

  void checkpointHeld(String memberId, Published checkpoint) {
    on(it -> it.checkpointHeld(memberId, checkpoint));
  }

  void trainingEnded(String memberId, Holding holding) {
    ends.put(memberId, holding);
    on(ViewLeader::tick);
  }

  @Override
  public void prepare(String memberId, long view) {
    long by = epoch;
    order(memberId, it -> it.prepare(by, view));
  }

  @Override
  public void copy(String memberId, long view, Holding what, Seat from) {
    long by = epoch;
    order(memberId, it -> it.copy(by, view, what, from));
  }

  @Override
  public void restore(String memberId, long view, Published what, List<Seat> holders) {
    long by = epoch;
    order(memberId, it -> it.restore(by, view, what, holders));
  }

  @Override
  public void start(String memberId, long view) {
    long by = epoch;
    order(memberId, it -> it.start(by, view));
  }

  @Override
  public void install(String memberId, View view) {
    long by = epoch;
    order(memberId, it -> it.install(by, view));
  }

  @Override
  public void keep(String memberId, List<Published> published) {
    List<Published> all = List.copyOf(published);
    order(memberId, it -> it.keep(all));
  }

  @Override
  public void release(String memberId) {
    order(memberId, FakeWorker::released);
  }

  private void order(String memberId, Consumer<FakeWorker> message) {
    FakeStream stream = streams.get(memberId);
    if (stream != null) {
      stream.toWorker(message);
    }
  }

  String status() {
    ViewLeader current = views;
    return current == null
        ? name + " does not lead"
        : "%s epoch %d: %s, committed %d, here %s, waits: %s"
            .formatted(
                name,
                epoch,
                current.view().map(View::toString).orElse("no view"),
                current.committedStep(),
                streams.keySet(),
                current.status());
  }
}
