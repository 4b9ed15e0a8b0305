package io.pulmo.worker.ring;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.pulmo.proto.RingMessage;
import io.pulmo.proto.Segment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A member's place in the ring of one view: sums vectors over all its members.
 *
 * <p>One thread at a time calls {@link #allReduce} and {@link #close}; {@link #abort} and {@link
 * #waitingOn} may be called by any.
 */
public final class AllReduce implements AutoCloseable {
  // Ring all-reduce (Patarasuk and Yuan, 2009): of a vector of n bytes each member sends and
  // receives 2n(N−1)/N. The calling thread does all the work: it sends a piece whenever the stream
  // takes one, and adds or stores what has come. So no member waits for its successor before it has
  // taken what its predecessor sent, and bounded buffers cannot lock the ring. A sum is computed by
  // one member and copied by all others, hence the same bits everywhere.
  //
  // A link's end matters only to whoever still needs it: a member that has sent all its pieces
  // finishes the operation although its successor has gone.

  /**
   * A message of a quarter of a MiB: small enough for the processor's cache and for ordinary heap
   * regions.
   */
  static final int PIECE_ELEMENTS = ((1 << 18) - 64) / Float.BYTES;

  /** Messages that the predecessor may send ahead of what has been taken. */
  static final int INBOX_MESSAGES = 8;

  private final RingPlan plan;
  private final int pieceElements;
  private final Runnable onLeave;
  private final @Nullable Outbound outbound;
  private final float[] received;
  private long operation;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<Segment> inbox = new ArrayDeque<>();

  @GuardedBy("lock")
  private @Nullable Inbound inbound;

  @GuardedBy("lock")
  private @Nullable String predecessorLost;

  @GuardedBy("lock")
  private @Nullable String successorLost;

  @GuardedBy("lock")
  private @Nullable String aborted;

  @GuardedBy("lock")
  private boolean finished;

  @GuardedBy("lock")
  private @Nullable Waiting waiting;

  /**
   * That an all-reduce waits.
   *
   * @param peer the neighbour that it waits for
   * @param sinceNanos by {@link System#nanoTime}
   */
  public record Waiting(RingPlan.Peer peer, long sinceNanos) {}

  AllReduce(
      RingPlan plan,
      int pieceElements,
      Function<RingPlan.Peer, ManagedChannel> connect,
      Runnable onLeave) {
    this.plan = plan;
    this.pieceElements = pieceElements;
    this.onLeave = onLeave;
    boolean alone = plan.size() == 1;
    this.received = new float[alone ? 0 : pieceElements];
    this.outbound =
        alone ? null : new Outbound(plan, connect.apply(plan.successor()), this::wake, this::lost);
  }

  /** The ring's members and this one's place. */
  public RingPlan plan() {
    return plan;
  }

  /**
   * Replaces the vector by the sum of all members' vectors, in the same bits on every member.
   *
   * @param values of the same length on every member; undefined after an exception
   * @throws RingBrokenException if a neighbour was lost; it names which
   * @throws RingAbortedException if this member has left
   */
  public void allReduce(float[] values) throws RingException, InterruptedException {
    if (outbound == null) {
      checkNotAborted();
      return;
    }
    int members = plan.size();
    Iterator<Piece> expected = Piece.received(values.length, members, plan.rank(), pieceElements);
    ArrayDeque<Piece> outgoing = new ArrayDeque<>();
    Piece.own(values.length, members, plan.rank(), pieceElements)
        .forEachRemaining(outgoing::addLast);
    int lastRound = Piece.rounds(members) - 1;
    Piece next = expected.hasNext() ? expected.next() : null;
    while (next != null || !outgoing.isEmpty()) {
      // Whatever is received before the last round is passed on.
      boolean moreToSend = !outgoing.isEmpty() || (next != null && next.round() < lastRound);
      Segment segment = await(outbound, next != null, !outgoing.isEmpty(), moreToSend);
      if (segment == null) {
        send(outbound, values, outgoing.removeFirst());
      } else if (next != null) {
        receive(values, next, segment);
        if (next.round() < lastRound) {
          outgoing.addLast(new Piece(next.round() + 1, next.offset(), next.count()));
        }
        next = expected.hasNext() ? expected.next() : null;
      }
    }
    operation++;
  }

  /** Waits for the next thing to do: a received segment, or null when a piece can be sent. */
  private @Nullable Segment await(
      Outbound stream, boolean mayReceive, boolean maySend, boolean needsSuccessor)
      throws RingException, InterruptedException {
    lock.lock();
    try {
      while (true) {
        if (aborted != null) {
          throw new RingAbortedException(aborted);
        }
        if (maySend && successorLost == null && stream.isReady()) {
          return null;
        }
        if (mayReceive && !inbox.isEmpty()) {
          return inbox.removeFirst();
        }
        if (needsSuccessor && successorLost != null) {
          throw new RingBrokenException(plan.successor(), successorLost);
        }
        if (mayReceive && predecessorLost != null) {
          throw new RingBrokenException(plan.predecessor(), predecessorLost);
        }
        if (waiting == null) {
          waiting =
              new Waiting(mayReceive ? plan.predecessor() : plan.successor(), System.nanoTime());
        }
        changed.await();
      }
    } finally {
      try {
        waiting = null;
      } finally {
        lock.unlock();
      }
    }
  }

  private void send(Outbound stream, float[] values, Piece piece) throws RingAbortedException {
    // A fresh array each time: gRPC may keep the message to send it again on a new connection.
    byte[] bytes = new byte[piece.count() * Float.BYTES];
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .put(values, piece.offset(), piece.count());
    Segment segment =
        Segment.newBuilder()
            .setOperation(operation)
            .setRound(piece.round())
            .setOffsetElements(piece.offset())
            .setValues(UnsafeByteOperations.unsafeWrap(bytes))
            .build();
    try {
      stream.send(RingMessage.newBuilder().setSegment(segment).build());
    } catch (IllegalStateException cancelled) {
      checkNotAborted();
      throw cancelled;
    }
  }

  private void receive(float[] values, Piece piece, Segment segment) throws RingBrokenException {
    if (segment.getOperation() != operation
        || segment.getRound() != piece.round()
        || segment.getOffsetElements() != piece.offset()
        || segment.getValues().size() != piece.count() * Float.BYTES) {
      String what =
          "it sent operation %d, round %d, offset %d, %d bytes; expected operation %d, round %d, offset %d, %d bytes"
              .formatted(
                  segment.getOperation(),
                  segment.getRound(),
                  segment.getOffsetElements(),
                  segment.getValues().size(),
                  operation,
                  piece.round(),
                  piece.offset(),
                  piece.count() * Float.BYTES);
      abort(what);
      throw new RingBrokenException(plan.predecessor(), what);
    }
    int offset = piece.offset();
    int count = piece.count();
    var floats =
        segment.getValues().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    if (piece.round() < Piece.reduceRounds(plan.size())) {
      floats.get(received, 0, count);
      for (int i = 0; i < count; i++) {
        values[offset + i] += received[i];
      }
    } else {
      floats.get(values, offset, count);
    }
    requestOne();
  }

  private void requestOne() {
    Inbound stream;
    lock.lock();
    try {
      stream = inbound;
    } finally {
      lock.unlock();
    }
    if (stream != null) {
      stream.request(1);
    }
  }

  private void checkNotAborted() throws RingAbortedException {
    lock.lock();
    try {
      if (aborted != null) {
        throw new RingAbortedException(aborted);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The member that an all-reduce waits for at this moment. */
  public Optional<Waiting> waitingOn() {
    lock.lock();
    try {
      return Optional.ofNullable(waiting);
    } finally {
      lock.unlock();
    }
  }

  /** Leaves the ring at once: whoever waits in it, here or at a neighbour, gets an exception. */
  public void abort(String reason) {
    Inbound stream;
    lock.lock();
    try {
      if (aborted != null || finished) {
        return;
      }
      aborted = reason;
      inbox.clear();
      stream = inbound;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    onLeave.run();
    if (stream != null) {
      stream.fail(Status.ABORTED.withDescription(reason));
    }
    if (outbound != null) {
      outbound.cancel(reason);
    }
  }

  /** Leaves the ring after the last all-reduce: what has been sent still arrives. */
  @Override
  public void close() {
    lock.lock();
    try {
      if (aborted != null || finished) {
        return;
      }
      finished = true;
      inbox.clear();
    } finally {
      lock.unlock();
    }
    onLeave.run();
    if (outbound != null) {
      outbound.finish();
    }
  }

  /** Takes the predecessor's stream; false if this member has left or has one already. */
  boolean attach(Inbound stream) {
    lock.lock();
    try {
      if (aborted != null || finished || inbound != null) {
        return false;
      }
      inbound = stream;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** A segment has come; false if nobody wants it any more. */
  boolean offer(Segment segment) {
    lock.lock();
    try {
      if (aborted != null || finished) {
        return false;
      }
      inbox.addLast(segment);
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  void predecessorEnded(String what) {
    lock.lock();
    try {
      if (predecessorLost == null) {
        predecessorLost = what;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void lost(String what) {
    lock.lock();
    try {
      if (successorLost == null) {
        successorLost = what;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
