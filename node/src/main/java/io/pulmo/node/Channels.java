package io.pulmo.node;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.TimeUnit;

/** Channels between the nodes of a cluster: how they are opened and closed. */
public final class Channels {
  private static final long GRACE_MILLIS = 1_000;

  private Channels() {}

  /**
   * A channel to the server at an address; it connects when first used. It notices within 15
   * seconds that the other side is gone without a word, while a call is open.
   *
   * @param maxInboundBytes the largest message taken from there
   */
  public static ManagedChannel open(HostPort address, int maxInboundBytes) {
    return NettyChannelBuilder.forAddress(address.host(), address.port())
        .usePlaintext()
        .maxInboundMessageSize(maxInboundBytes)
        // Nodes reach each other directly, whatever proxy the machine's browsers use.
        .proxyDetector(target -> null)
        .keepAliveTime(10, TimeUnit.SECONDS)
        .keepAliveTimeout(5, TimeUnit.SECONDS)
        .disableRetry()
        .build();
  }

  /** Closes a channel: calls under way have one second to end. */
  public static void close(ManagedChannel channel) {
    channel.shutdown();
    try {
      if (!channel.awaitTermination(GRACE_MILLIS, TimeUnit.MILLISECONDS)) {
        channel.shutdownNow();
        channel.awaitTermination(GRACE_MILLIS, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      channel.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
