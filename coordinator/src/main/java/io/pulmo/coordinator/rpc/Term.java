package io.pulmo.coordinator.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.pulmo.coordinator.job.Jobs;
import io.pulmo.coordinator.membership.Member;
import io.pulmo.coordinator.membership.Members;
import io.pulmo.coordinator.membership.Presence;
import io.pulmo.node.HostPort;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.Hello;
import io.pulmo.proto.Welcome;
import io.pulmo.proto.WorkerMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One leader's time in office: its members, its jobs and those who watch. The coordinator's loop
 * owns it; only heartbeats go out from elsewhere.
 */
final class Term implements ControlStream.Owner {
  private static final Logger log = LoggerFactory.getLogger(Term.class);
  private static final int MOST_STREAMS = 2 * Members.MOST;
  private static final int MOST_WATCHES = 256;

  private final long epoch;
  private final Runnable confirm;
  private final Members members;
  private final Jobs jobs;
  private final Supplier<List<HostPort>> coordinators;
  private final LongSupplier nanoTime;
  private final Set<ControlStream> streams = ConcurrentHashMap.newKeySet();
  private final List<JobWatch> watches;

  Term(
      long epoch,
      Runnable confirm,
      Members members,
      Jobs jobs,
      List<JobWatch> watches,
      Supplier<List<HostPort>> coordinators,
      LongSupplier nanoTime) {
    this.epoch = epoch;
    this.confirm = confirm;
    this.members = members;
    this.jobs = jobs;
    this.watches = watches;
    this.coordinators = coordinators;
    this.nanoTime = nanoTime;
  }

  long epoch() {
    return epoch;
  }

  /** Throws unless this term's epoch is still the newest. */
  void confirm() {
    confirm.run();
  }

  Jobs jobs() {
    return jobs;
  }

  void attached(ControlStream stream) {
    if (streams.size() >= MOST_STREAMS) {
      stream.close(Status.RESOURCE_EXHAUSTED.withDescription("too many workers: " + MOST_STREAMS));
      return;
    }
    streams.add(stream);
  }

  @Override
  public void received(ControlStream stream, WorkerMessage message) {
    if (!streams.contains(stream)) {
      return;
    }
    Presence presence = stream.presence();
    try {
      if (message.hasHello()) {
        if (presence != null) {
          throw Wire.invalid("a second Hello: expected one, first");
        }
        welcome(stream, message.getHello());
      } else if (presence == null) {
        throw Wire.invalid("the first message is " + message.getKindCase() + ": expected HELLO");
      } else {
        report(presence.member(), message);
      }
    } catch (StatusRuntimeException e) {
      drop(stream, e.getStatus(), "it sent what cannot be: " + e.getStatus().getDescription());
    }
  }

  private void welcome(ControlStream stream, Hello hello) {
    Member member = Wire.member(hello);
    String replaces = Wire.replaces(hello);
    // A worker whose stream broke may be back before the break is noticed here.
    dropMember(member.id(), "it attached again");
    if (!replaces.isEmpty()) {
      dropMember(replaces, "its process has ended and another one has its state folder");
    }
    if (!members.hasRoom()) {
      throw Status.RESOURCE_EXHAUSTED
          .withDescription(Members.MOST + " workers are here: expected no more")
          .asRuntimeException();
    }
    stream.is(members.join(member));
    log.info("worker {} joined", member.label());
    Welcome.Builder welcome = Welcome.newBuilder().setEpoch(epoch);
    coordinators.get().forEach(one -> welcome.addCoordinators(one.toString()));
    stream.send(CoordinatorMessage.newBuilder().setWelcome(welcome).build());
    jobs.joined(member, stream, replaces);
  }

  private void dropMember(String memberId, String cause) {
    for (ControlStream stream : List.copyOf(streams)) {
      Presence presence = stream.presence();
      if (presence != null && presence.member().id().equals(memberId)) {
        drop(stream, Status.ABORTED.withDescription(cause), cause);
      }
    }
  }

  private void report(Member member, WorkerMessage message) {
    switch (message.getKindCase()) {
      case LEAVING -> jobs.leaving(member);
      case HELLO, HEARTBEAT -> {
        // Both have been seen to where they came in.
      }
      case KIND_NOT_SET ->
          throw Wire.invalid(
              "a message of no known kind: expected a newer worker"
                  + " only with a newer coordinator");
      default -> ReportWire.report(message).ifPresent(report -> jobs.report(member, report));
    }
  }

  @Override
  public void ended(ControlStream stream, String cause) {
    drop(stream, Status.OK, cause);
  }

  private void drop(ControlStream stream, Status status, String cause) {
    if (!streams.remove(stream)) {
      return;
    }
    stream.close(status);
    Presence presence = stream.presence();
    if (presence != null && members.leave(presence)) {
      log.info("worker {} left: {}", presence.member().label(), cause);
      jobs.left(presence.member(), cause);
    }
  }

  void watch(JobWatch watch) {
    jobs.get(watch.jobId());
    if (watches.size() >= MOST_WATCHES) {
      throw Status.RESOURCE_EXHAUSTED
          .withDescription(MOST_WATCHES + " watch already: expected no more")
          .asRuntimeException();
    }
    watches.add(watch);
    flush();
  }

  /** Does what is due; called every tenth of a second. */
  void tick() {
    for (Members.Loss loss : members.silent()) {
      for (ControlStream stream : List.copyOf(streams)) {
        if (stream.presence() == loss.presence()) {
          drop(stream, Status.UNAVAILABLE.withDescription(loss.cause()), loss.cause());
        }
      }
    }
    for (ControlStream stream : List.copyOf(streams)) {
      if (stream.presence() == null
          && nanoTime.getAsLong() - stream.openedNanos() > Members.SILENCE.toNanos()) {
        drop(stream, Status.DEADLINE_EXCEEDED.withDescription("no Hello came"), "no Hello came");
      }
    }
    jobs.tick();
    flush();
  }

  private void flush() {
    for (JobWatch watch : new ArrayList<>(watches)) {
      if (watch.isCancelled()) {
        watches.remove(watch);
      } else if (watch.wantsStatus() && watch.send(jobs.get(watch.jobId()))) {
        watches.remove(watch);
      }
    }
  }

  /** Heartbeats to all workers; any thread may call. */
  void beat() {
    streams.forEach(ControlStream::beat);
  }

  /**
   * Cuts off the workers, who look for the next leader; any thread may call. The loop may be
   * waiting for a ZooKeeper that is gone.
   */
  void cutOff(String why) {
    streams.forEach(stream -> stream.close(over(why)));
  }

  private static Status over(String why) {
    return Status.UNAVAILABLE.withDescription("this coordinator leads no more: " + why);
  }

  /** Ends every stream: whoever holds one looks for the next leader. */
  void end(String why) {
    Status status = over(why);
    streams.forEach(stream -> stream.close(status));
    streams.clear();
    watches.forEach(watch -> watch.end(status.asRuntimeException()));
    watches.clear();
  }
}
