package io.pulmo.worker.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.model.view.Holding;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetCheckpointRequest;
import io.pulmo.proto.GetStateRequest;
import io.pulmo.proto.PeerGrpc;
import io.pulmo.proto.StateChunk;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What a worker gives its peers besides the ring: states, checkpoints. */
public final class PeerService extends PeerGrpc.PeerImplBase implements AutoCloseable {
  /** Values in one message, in bytes: what proto allows. */
  static final int PIECE_BYTES = (1 << 20) - 64;

  private static final int MOST_TRANSFERS = 8;
  private static final int READY_BYTES = 4 << 20;
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private volatile @Nullable Holdings holdings;

  @GuardedBy("transfers")
  private final List<Transfer<?>> transfers = new ArrayList<>();

  @GuardedBy("transfers")
  private boolean closed;

  /** What a worker has; the answers do not wait. */
  public interface Holdings {
    /**
     * A state that does not change as long as it is the one held.
     *
     * @param state not copied
     * @param isHeld whether it still is
     */
    record Held(TrainingState state, BooleanSupplier isHeld) {}

    /**
     * The state that is asked for.
     *
     * @throws NotHeldException with what is held instead
     */
    Held state(String jobId, Holding wanted) throws NotHeldException;

    /**
     * A checkpoint's file.
     *
     * @throws NotHeldException if it is not there
     */
    Path checkpoint(String jobId, String sha256) throws NotHeldException;
  }

  /** What is asked for is not here. */
  public static final class NotHeldException extends Exception {
    private final boolean enlisted;

    /**
     * With what is here instead.
     *
     * @param enlisted whether this worker is enlisted in the job
     */
    public NotHeldException(String message, boolean enlisted) {
      super(message);
      this.enlisted = enlisted;
    }

    private Status status() {
      return (enlisted ? Status.NOT_FOUND : Status.FAILED_PRECONDITION)
          .withDescription(getMessage());
    }
  }

  /** Has nothing to give yet. */
  public PeerService() {}

  /** From now on gives what is held. */
  public void serve(Holdings held) {
    holdings = held;
  }

  private Holdings holdings() throws NotHeldException {
    Holdings held = holdings;
    if (held == null) {
      throw new NotHeldException("this worker is just starting", false);
    }
    return held;
  }

  @Override
  public void getState(GetStateRequest request, StreamObserver<StateChunk> responses) {
    try {
      Holdings.Held held = holdings().state(request.getJobId(), Wire.holding(request.getHolding()));
      send(new StatePieces(held), responses);
    } catch (NotHeldException e) {
      responses.onError(e.status().asRuntimeException());
    }
  }

  @Override
  public void getCheckpoint(GetCheckpointRequest request, StreamObserver<FileChunk> responses) {
    try {
      Path file = holdings().checkpoint(request.getJobId(), request.getSha256());
      send(new FilePieces(Files.newInputStream(file)), responses);
    } catch (NotHeldException e) {
      responses.onError(e.status().asRuntimeException());
    } catch (IOException e) {
      responses.onError(
          Status.NOT_FOUND
              .withDescription("checkpoint " + request.getSha256() + " cannot be read: " + e)
              .asRuntimeException());
    }
  }

  private <T> void send(Transfer.Pieces<T> pieces, StreamObserver<T> responses) {
    ServerCallStreamObserver<T> call = (ServerCallStreamObserver<T>) responses;
    call.setOnReadyThreshold(READY_BYTES);
    Transfer<T> transfer = new Transfer<>(pieces, call, this::forget);
    Transfer<?> idle = null;
    boolean full;
    synchronized (transfers) {
      if (transfers.size() >= MOST_TRANSFERS) {
        idle = longestIdle();
      }
      full = closed || (transfers.size() >= MOST_TRANSFERS && idle == null);
      if (!full) {
        transfers.add(transfer);
      }
    }
    if (idle != null) {
      idle.fail(Status.ABORTED.withDescription("nothing was taken for a long time"));
    }
    if (full) {
      pieces.close();
      call.onError(
          Status.RESOURCE_EXHAUSTED
              .withDescription(MOST_TRANSFERS + " transfers are under way: try again")
              .asRuntimeException());
      return;
    }
    transfer.start();
  }

  @GuardedBy("transfers")
  private @Nullable Transfer<?> longestIdle() {
    long now = System.nanoTime();
    for (Transfer<?> one : transfers) {
      if (now - one.movedNanos() > IDLE_NANOS) {
        return one;
      }
    }
    return null;
  }

  private void forget(Transfer<?> transfer) {
    synchronized (transfers) {
      transfers.remove(transfer);
    }
  }

  /** Cuts off every transfer. */
  @Override
  public void close() {
    List<Transfer<?>> open;
    synchronized (transfers) {
      closed = true;
      open = List.copyOf(transfers);
    }
    open.forEach(one -> one.fail(Status.UNAVAILABLE.withDescription("the worker is closing")));
  }

  /** The header, then the arrays one after the other. */
  private static final class StatePieces implements Transfer.Pieces<StateChunk> {
    private final Holdings.Held held;
    private final byte[] header;
    private final Iterator<float[]> arrays;
    private float[] values = new float[0];
    private int offset;
    private int headerOffset;

    StatePieces(Holdings.Held held) {
      this.held = held;
      this.header = held.state().header();
      this.arrays = held.state().arrays().values().iterator();
    }

    @Override
    public @Nullable StateChunk next() throws IOException {
      if (!held.isHeld().getAsBoolean()) {
        throw new IOException("the state that was asked for is not held any more");
      }
      if (headerOffset < header.length) {
        int count = Math.min(PIECE_BYTES, header.length - headerOffset);
        StateChunk chunk =
            StateChunk.newBuilder()
                .setHeader(UnsafeByteOperations.unsafeWrap(header, headerOffset, count))
                .build();
        headerOffset += count;
        return chunk;
      }
      while (offset == values.length) {
        if (!arrays.hasNext()) {
          return null;
        }
        values = arrays.next();
        offset = 0;
      }
      int count = Math.min(PIECE_BYTES / Float.BYTES, values.length - offset);
      byte[] bytes = new byte[count * Float.BYTES];
      ByteBuffer.wrap(bytes)
          .order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer()
          .put(values, offset, count);
      offset += count;
      return StateChunk.newBuilder().setValues(UnsafeByteOperations.unsafeWrap(bytes)).build();
    }
  }

  /** A file's bytes. */
  private static final class FilePieces implements Transfer.Pieces<FileChunk> {
    private final InputStream in;

    FilePieces(InputStream in) {
      this.in = in;
    }

    @Override
    public @Nullable FileChunk next() throws IOException {
      byte[] bytes = in.readNBytes(PIECE_BYTES);
      return bytes.length == 0
          ? null
          : FileChunk.newBuilder().setData(UnsafeByteOperations.unsafeWrap(bytes)).build();
    }

    @Override
    public void close() {
      try {
        in.close();
      } catch (IOException e) {
        throw new IllegalStateException("a file that was read could not be closed", e);
      }
    }
  }
}
