package io.pulmo.worker.rpc;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.pulmo.model.view.Holding;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetCheckpointRequest;
import io.pulmo.proto.GetStateRequest;
import io.pulmo.proto.PeerGrpc;
import io.pulmo.proto.StateChunk;
import io.pulmo.worker.checkpoint.CheckpointFolder;
import io.pulmo.worker.ring.RingPlan;
import io.pulmo.worker.train.StateHeader;
import io.pulmo.worker.train.TrainingState;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteOrder;
import java.util.Iterator;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** What a worker takes from a peer. */
public final class PeerCopy {
  private static final int MESSAGE_BYTES = 1 << 20;
  private static final long STALL_MILLIS = 5_000;
  private static final long FULL_PAUSE_MILLIS = 50;

  private PeerCopy() {}

  /**
   * Copies a state, whose digest is still to be compared.
   *
   * @param arrays receive the values; as long as those of the job's states
   * @throws IOException naming the peer and what it answered
   */
  public static TrainingState state(
      RingPlan.Peer from, String jobId, Holding wanted, SequencedMap<String, float[]> arrays)
      throws IOException, InterruptedException {
    GetStateRequest request =
        GetStateRequest.newBuilder().setJobId(jobId).setHolding(Wire.holding(wanted)).build();
    return over(from, channel -> read(channel, request, arrays));
  }

  private static TrainingState read(
      ManagedChannel channel, GetStateRequest request, SequencedMap<String, float[]> arrays)
      throws IOException, InterruptedException, StatusException, TimeoutException {
    BlockingClientCall<?, StateChunk> call = PeerGrpc.newBlockingV2Stub(channel).getState(request);
    try {
      ByteArrayOutputStream header = new ByteArrayOutputStream();
      Iterator<float[]> rest = arrays.values().iterator();
      float[] values = new float[0];
      int offset = 0;
      for (StateChunk chunk = next(call); chunk != null; chunk = next(call)) {
        if (chunk.hasHeader()) {
          if (header.size() + chunk.getHeader().size() > StateHeader.MOST_BYTES) {
            throw new IOException("its header is longer than " + StateHeader.MOST_BYTES + " bytes");
          }
          chunk.getHeader().writeTo(header);
          continue;
        }
        ByteString bytes = chunk.getValues();
        while (offset == values.length && rest.hasNext()) {
          values = rest.next();
          offset = 0;
        }
        int count = bytes.size() / Float.BYTES;
        if (bytes.size() % Float.BYTES != 0 || count > values.length - offset) {
          throw new IOException(
              "it sent a piece of %d bytes where %d values were left to an array"
                  .formatted(bytes.size(), values.length - offset));
        }
        bytes
            .asReadOnlyByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer()
            .get(values, offset, count);
        offset += count;
      }
      if (offset < values.length || rest.hasNext()) {
        throw new IOException("it ended before all arrays were there");
      }
      return TrainingState.read(header.toByteArray(), arrays);
    } finally {
      call.cancel("left", null);
    }
  }

  /**
   * Copies a checkpoint's file into a folder, which verifies it.
   *
   * @throws IOException naming the peer and what was wrong
   */
  public static CheckpointFolder.Held checkpoint(
      RingPlan.Peer from, String jobId, String sha256, CheckpointFolder into)
      throws IOException, InterruptedException {
    GetCheckpointRequest request =
        GetCheckpointRequest.newBuilder().setJobId(jobId).setSha256(sha256).build();
    return over(
        from,
        channel -> {
          BlockingClientCall<?, FileChunk> call =
              PeerGrpc.newBlockingV2Stub(channel).getCheckpoint(request);
          try {
            return into.receive(sha256, () -> piece(call));
          } finally {
            call.cancel("left", null);
          }
        });
  }

  private static byte @Nullable [] piece(BlockingClientCall<?, FileChunk> call)
      throws IOException, InterruptedException {
    try {
      FileChunk chunk = next(call);
      return chunk == null ? null : chunk.getData().toByteArray();
    } catch (StatusException e) {
      throw new IOException(words(e.getStatus()), e);
    } catch (TimeoutException e) {
      throw new IOException("nothing came for " + STALL_MILLIS + " ms", e);
    }
  }

  private interface Work<T> {
    T over(ManagedChannel channel)
        throws IOException, InterruptedException, StatusException, TimeoutException;
  }

  private static <T> T over(RingPlan.Peer from, Work<T> work)
      throws IOException, InterruptedException {
    ManagedChannel channel;
    try {
      channel = Channels.open(HostPort.parse(from.address()), MESSAGE_BYTES);
    } catch (IllegalArgumentException e) {
      throw new IOException("no copy from " + from + ": " + e.getMessage(), e);
    }
    try {
      while (true) {
        try {
          return work.over(channel);
        } catch (StatusException e) {
          if (e.getStatus().getCode() != Status.Code.RESOURCE_EXHAUSTED) {
            throw e;
          }
          // Others copy from it too; whoever ordered this knows when it takes too long.
          Thread.sleep(FULL_PAUSE_MILLIS);
        }
      }
    } catch (StatusException e) {
      throw new IOException("no copy from " + from + ": " + words(e.getStatus()), e);
    } catch (TimeoutException e) {
      throw new IOException(
          "no copy from " + from + ": nothing came for " + STALL_MILLIS + " ms", e);
    } catch (IOException e) {
      throw new IOException("no copy from " + from + ": " + e.getMessage(), e);
    } finally {
      channel.shutdownNow();
    }
  }

  private static String words(Status status) {
    return status.getDescription() == null
        ? status.getCode().toString()
        : status.getCode() + ": " + status.getDescription();
  }

  private static <T> @Nullable T next(BlockingClientCall<?, T> call)
      throws InterruptedException, StatusException, TimeoutException {
    return call.read(STALL_MILLIS, TimeUnit.MILLISECONDS);
  }
}
