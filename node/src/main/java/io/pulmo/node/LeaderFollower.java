package io.pulmo.node;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.CoordinatorGrpc.CoordinatorBlockingStub;
import io.pulmo.proto.GetLeaderRequest;
import io.pulmo.proto.GetLeaderResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds the leading coordinator through any coordinator and finds it again when it moves.
 *
 * <p>It asks the coordinators that it was given and those that they told it about, one after the
 * other. Safe for use by several threads.
 */
public final class LeaderFollower implements AutoCloseable {
  /** The trailer in which a coordinator that does not lead names the one that does. */
  public static final Metadata.Key<String> LEADER =
      Metadata.Key.of("pulmo-leader", Metadata.ASCII_STRING_MARSHALLER);

  /** How long a command waits for a leader unless told otherwise: longer than any failover. */
  public static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final long LOOKUP_MILLIS = 2_000;
  private static final long CALL_MILLIS = 10_000;
  private static final long FIRST_PAUSE_MILLIS = 50;
  private static final long LONGEST_PAUSE_MILLIS = 500;
  private static final int MOST_LEARNT = 32;
  private static final int MOST_NAMED = 3;

  private final List<HostPort> given;
  private final Duration patience;

  @GuardedBy("this")
  private final Map<HostPort, ManagedChannel> channels = new HashMap<>();

  @GuardedBy("this")
  private List<HostPort> learnt = List.of();

  @GuardedBy("this")
  private @Nullable HostPort leader;

  @GuardedBy("this")
  private boolean closed;

  /** Follows with the default patience. */
  public LeaderFollower(List<HostPort> coordinators) {
    this(coordinators, PATIENCE);
  }

  /**
   * Follows the leader of a cluster.
   *
   * @param coordinators some of the coordinators, at least one
   * @param patience how long {@link #channel} and {@link #call} go on trying
   */
  public LeaderFollower(List<HostPort> coordinators, Duration patience) {
    if (coordinators.isEmpty()) {
      throw new IllegalArgumentException("no coordinator: expected at least one HOST:PORT");
    }
    this.given = List.copyOf(coordinators);
    this.patience = patience;
  }

  /** One attempt at something, over a channel to the leader. */
  @FunctionalInterface
  interface Attempt<T extends @Nullable Object, E extends Exception> {
    T over(ManagedChannel channel) throws E, StatusException, InterruptedException;
  }

  /**
   * The leader: the one found last, or one found now.
   *
   * @throws NoLeaderException if none is known to any coordinator within the patience
   */
  public HostPort leader(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    Backoff backoff = new Backoff();
    Map<HostPort, String> answers = new LinkedHashMap<>();
    while (true) {
      HostPort known = known();
      if (known != null) {
        return known;
      }
      for (HostPort coordinator : coordinators()) {
        try {
          Optional<HostPort> found = ask(coordinator);
          if (found.isPresent()) {
            follow(found.get());
            return found.get();
          }
          answers.put(coordinator, "knows of no leader at the moment");
        } catch (StatusRuntimeException e) {
          answers.put(coordinator, reason(e.getStatus()));
        }
        if (System.nanoTime() - deadline > 0) {
          break;
        }
      }
      if (!backoff.pause(deadline)) {
        throw noLeader(patience, answers, null);
      }
    }
  }

  /**
   * A channel to the leader, which this follower closes. When calls over it fail for the leader's
   * sake, {@link #forgetLeader} and ask again.
   */
  public ManagedChannel channel() throws InterruptedException {
    return open(leader(patience));
  }

  /** Makes the next question for the leader a new search. */
  public synchronized void forgetLeader() {
    leader = null;
  }

  /** All the coordinators known: those given and those learnt. */
  public synchronized List<HostPort> coordinators() {
    Set<HostPort> all = new LinkedHashSet<>(given);
    all.addAll(learnt);
    return List.copyOf(all);
  }

  /** Remembers coordinators that the cluster named, instead of those it named before. */
  public synchronized void learn(List<HostPort> coordinators) {
    learnt = List.copyOf(coordinators.subList(0, Math.min(MOST_LEARNT, coordinators.size())));
    for (HostPort address : List.copyOf(channels.keySet())) {
      if (!given.contains(address) && !learnt.contains(address) && !address.equals(leader)) {
        ManagedChannel stale = channels.remove(address);
        if (stale != null) {
          stale.shutdown();
        }
      }
    }
  }

  /**
   * Calls the leader, whoever that is by the time, and repeats the call until one has answered:
   * only for calls that may be made twice. Each attempt has ten seconds.
   *
   * @throws StatusRuntimeException what the leader answered, if it is not about leadership
   * @throws NoLeaderException if no leader answered within the patience
   */
  public <T extends @Nullable Object> T call(Function<CoordinatorBlockingStub, T> call)
      throws InterruptedException {
    return this.<T, RuntimeException>retry(
        channel ->
            call.apply(
                CoordinatorGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(CALL_MILLIS, TimeUnit.MILLISECONDS)));
  }

  /** Repeats an attempt until the leader has answered it. */
  <T extends @Nullable Object, E extends Exception> T retry(Attempt<T, E> attempt)
      throws E, InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    Backoff backoff = new Backoff();
    while (true) {
      HostPort leader = leader(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
      try {
        return attempt.over(open(leader));
      } catch (StatusException | StatusRuntimeException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException("interrupted while calling the leader " + leader);
        }
        Status status = Status.fromThrowable(e);
        @Nullable Metadata trailers = Status.trailersFromThrowable(e);
        if (!concernsLeadership(status, trailers)) {
          throw new StatusRuntimeException(status, trailers);
        }
        redirect(trailers);
        if (!backoff.pause(deadline)) {
          throw noLeader(patience, Map.of(leader, reason(status)), e);
        }
      }
    }
  }

  /** Closes every channel. */
  @Override
  public void close() {
    List<ManagedChannel> open;
    synchronized (this) {
      closed = true;
      open = new ArrayList<>(channels.values());
      channels.clear();
    }
    open.forEach(ManagedChannel::shutdown);
    open.forEach(Channels::close);
  }

  /**
   * Whether a call failed because of who was asked or because nobody could be, not because of what
   * was asked.
   */
  public static boolean concernsLeadership(Status status, @Nullable Metadata trailers) {
    return switch (status.getCode()) {
      // A server that stops cancels what it cannot end.
      case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> true;
      case FAILED_PRECONDITION -> trailers != null && trailers.containsKey(LEADER);
      default -> false;
    };
  }

  /** Follows the leader that an answer named, or searches when it named none. */
  private synchronized void redirect(@Nullable Metadata trailers) {
    leader = null;
    @Nullable String named = trailers == null ? null : trailers.get(LEADER);
    if (named != null && !named.isEmpty()) {
      try {
        leader = HostPort.parse(named);
      } catch (IllegalArgumentException e) {
        // An unreadable name is none: the search finds the leader.
        leader = null;
      }
    }
  }

  private Optional<HostPort> ask(HostPort coordinator) {
    GetLeaderResponse answer =
        CoordinatorGrpc.newBlockingStub(open(coordinator))
            .withDeadlineAfter(LOOKUP_MILLIS, TimeUnit.MILLISECONDS)
            .getLeader(GetLeaderRequest.getDefaultInstance());
    try {
      List<HostPort> coordinators = new ArrayList<>();
      for (String one : answer.getCoordinatorsList()) {
        coordinators.add(HostPort.parse(one));
      }
      if (!coordinators.isEmpty()) {
        learn(coordinators);
      }
      if (answer.getLeader().isEmpty() && !answer.getWhyNone().isEmpty()) {
        throw Status.UNAVAILABLE.withDescription(answer.getWhyNone()).asRuntimeException();
      }
      return answer.getLeader().isEmpty()
          ? Optional.empty()
          : Optional.of(HostPort.parse(answer.getLeader()));
    } catch (IllegalArgumentException e) {
      throw Status.INTERNAL
          .withDescription("unreadable answer: " + e.getMessage())
          .withCause(e)
          .asRuntimeException();
    }
  }

  private synchronized @Nullable HostPort known() {
    return leader;
  }

  private synchronized void follow(HostPort found) {
    leader = found;
  }

  private synchronized ManagedChannel open(HostPort address) {
    if (closed) {
      throw new IllegalStateException("this follower of the leader is closed");
    }
    return channels.computeIfAbsent(
        address, target -> Channels.open(target, NodeServer.CONTROL_MESSAGE_BYTES));
  }

  private static NoLeaderException noLeader(
      Duration patience, Map<HostPort, String> answers, @Nullable Throwable cause) {
    StringBuilder asked = new StringBuilder();
    answers.entrySet().stream()
        .limit(MOST_NAMED)
        .forEach(
            entry ->
                asked
                    .append(asked.isEmpty() ? "" : "; ")
                    .append(entry.getKey())
                    .append(": ")
                    .append(entry.getValue()));
    return new NoLeaderException(
        "no leader of the cluster answered within "
            + patience.toMillis() / 1000.0
            + " s ("
            + asked
            + "): start a coordinator with 'pulmo coordinator', or correct --coordinator",
        cause);
  }

  /** Grpc's words and, where there is one, the cause that says more. */
  private static String reason(Status status) {
    @Nullable Throwable cause = status.getCause();
    String words =
        status.getDescription() == null
            ? status.getCode().name()
            : status.getCode() + ": " + status.getDescription();
    return cause == null || cause.getMessage() == null ? words : words + ": " + cause.getMessage();
  }

  /** Pauses that double up to half a second. */
  private static final class Backoff {
    private long pauseMillis = FIRST_PAUSE_MILLIS;

    /** Pauses; false, without a pause, once the deadline (in nanoseconds) is over. */
    boolean pause(long deadlineNanos) throws InterruptedException {
      long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      Thread.sleep(Math.min(left, pauseMillis));
      pauseMillis = Math.min(LONGEST_PAUSE_MILLIS, 2 * pauseMillis);
      return true;
    }
  }
}
