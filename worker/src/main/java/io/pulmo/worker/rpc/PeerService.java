package io.pulmo.worker.rpc;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.pulmo.model.view.Holding;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetCheckpointRequest;
import io.pulmo.proto.GetImageRequest;
import io.pulmo.proto.GetManifestRequest;
import io.pulmo.proto.GetStateRequest;
import io.pulmo.proto.ManifestChunk;
import io.pulmo.proto.PeerGrpc;
import io.pulmo.proto.StateChunk;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What a worker gives its peers besides the ring: states, checkpoints, images. */
public final class PeerService extends PeerGrpc.PeerImplBase implements AutoCloseable {
  /** Values in one message, in bytes: what proto allows. */
  static final int PIECE_BYTES = (1 << 20) - 64;

  private static final int MOST_TRANSFERS = 8;
  private static final int READY_BYTES = 4 << 20;

  private volatile @Nullable Holdings holdings;

  private final ImageServing images;
  private final Transfers transfers = new Transfers(MOST_TRANSFERS, READY_BYTES);

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

  /**
   * Has nothing to give yet but images.
   *
   * @param images the part of the service that is about them
   */
  public PeerService(ImageServing images) {
    this.images = images;
  }

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
      transfers.send(new StatePieces(held), responses);
    } catch (NotHeldException e) {
      responses.onError(e.status().asRuntimeException());
    }
  }

  @Override
  public void getCheckpoint(GetCheckpointRequest request, StreamObserver<FileChunk> responses) {
    try {
      Path file = holdings().checkpoint(request.getJobId(), request.getSha256());
      transfers.send(
          new FilePieces<>(
              Files.newInputStream(file),
              -1,
              PIECE_BYTES,
              data -> FileChunk.newBuilder().setData(data).build()),
          responses);
    } catch (NotHeldException e) {
      responses.onError(e.status().asRuntimeException());
    } catch (IOException e) {
      responses.onError(
          Status.NOT_FOUND
              .withDescription("checkpoint " + request.getSha256() + " cannot be read: " + e)
              .asRuntimeException());
    }
  }

  @Override
  public void getManifest(GetManifestRequest request, StreamObserver<ManifestChunk> responses) {
    images.getManifest(request, responses);
  }

  @Override
  public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
    images.getImage(request, responses);
  }

  /** Cuts off every transfer. */
  @Override
  public void close() {
    transfers.close();
    images.close();
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
}
