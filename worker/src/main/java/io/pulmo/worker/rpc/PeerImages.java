package io.pulmo.worker.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.pulmo.model.data.ImageManifest;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetImageRequest;
import io.pulmo.proto.GetManifestRequest;
import io.pulmo.proto.ManifestChunk;
import io.pulmo.proto.PeerGrpc;
import io.pulmo.worker.data.ImagePeers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** Images and manifests from peers over gRPC: a channel to each, bounded in time and size. */
public final class PeerImages implements ImagePeers, AutoCloseable {
  private static final int MESSAGE_BYTES = 1 << 20;
  private static final int MOST_CHANNELS = 64;

  private final long stallMillis;
  private final long mostMillis;

  /** The least recently used first. */
  @GuardedBy("this")
  private final LinkedHashMap<String, ManagedChannel> channels =
      new LinkedHashMap<>(16, 0.75f, true);

  @GuardedBy("this")
  private boolean closed;

  /** Gives up on a peer that sends nothing for 5 seconds, or is not done after 60. */
  public PeerImages() {
    this(5_000, 60_000);
  }

  PeerImages(long stallMillis, long mostMillis) {
    this.stallMillis = stallMillis;
    this.mostMillis = mostMillis;
  }

  @Override
  public ImageManifest manifest(Peer peer, String jobId, int images)
      throws IOException, InterruptedException {
    BlockingClientCall<?, ManifestChunk> call =
        PeerGrpc.newBlockingV2Stub(channel(peer))
            .withDeadlineAfter(mostMillis, TimeUnit.MILLISECONDS)
            .getManifest(GetManifestRequest.newBuilder().setJobId(jobId).build());
    byte[] encoded = collect(call, ManifestChunk::getEntries, ImageManifest.encodedBytes(images));
    try {
      return ImageManifest.decode(encoded, images);
    } catch (IllegalArgumentException e) {
      throw new IOException(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public byte[] image(Peer peer, String jobId, String name, String sha256, int bytes)
      throws IOException, InterruptedException {
    BlockingClientCall<?, FileChunk> call =
        PeerGrpc.newBlockingV2Stub(channel(peer))
            .withDeadlineAfter(mostMillis, TimeUnit.MILLISECONDS)
            .getImage(
                GetImageRequest.newBuilder()
                    .setJobId(jobId)
                    .setName(name)
                    .setSha256(sha256)
                    .build());
    return collect(call, FileChunk::getData, bytes);
  }

  private <T> byte[] collect(BlockingClientCall<?, T> call, Function<T, ByteString> data, int bytes)
      throws IOException, InterruptedException {
    // Grows with what comes: a size that somebody claims is no reason to take memory.
    ByteArrayOutputStream out = new ByteArrayOutputStream(Math.min(bytes, MESSAGE_BYTES));
    try {
      for (T chunk = call.read(stallMillis, TimeUnit.MILLISECONDS);
          chunk != null;
          chunk = call.read(stallMillis, TimeUnit.MILLISECONDS)) {
        ByteString some = data.apply(chunk);
        if (some.isEmpty() || some.size() > bytes - out.size()) {
          throw new IOException(
              some.isEmpty()
                  ? "it sent an empty piece after " + out.size() + " bytes"
                  : "it sends more than the " + bytes + " bytes expected");
        }
        some.writeTo(out);
      }
    } catch (StatusException e) {
      throw new IOException(
          e.getStatus().getCode()
              + (e.getStatus().getDescription() == null
                  ? ""
                  : ": " + e.getStatus().getDescription()),
          e);
    } catch (TimeoutException e) {
      throw new IOException("nothing came for " + stallMillis + " ms", e);
    } finally {
      call.cancel("left", null);
    }
    if (out.size() != bytes) {
      throw new IOException("it sent " + out.size() + " bytes, expected " + bytes);
    }
    return out.toByteArray();
  }

  private synchronized ManagedChannel channel(Peer peer) throws IOException {
    if (closed) {
      throw new IOException("this worker is shutting down");
    }
    ManagedChannel known = channels.get(peer.address());
    if (known != null) {
      return known;
    }
    HostPort address;
    try {
      address = HostPort.parse(peer.address());
    } catch (IllegalArgumentException e) {
      throw new IOException(String.valueOf(e.getMessage()), e);
    }
    if (channels.size() >= MOST_CHANNELS) {
      Map.Entry<String, ManagedChannel> oldest = channels.pollFirstEntry();
      // Calls under way on it may end.
      oldest.getValue().shutdown();
    }
    ManagedChannel opened = Channels.open(address, MESSAGE_BYTES);
    channels.put(peer.address(), opened);
    return opened;
  }

  @Override
  public void close() {
    List<ManagedChannel> open;
    synchronized (this) {
      closed = true;
      open = new ArrayList<>(channels.values());
      channels.clear();
    }
    open.forEach(ManagedChannel::shutdownNow);
  }
}
