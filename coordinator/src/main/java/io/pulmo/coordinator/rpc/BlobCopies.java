package io.pulmo.coordinator.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.NoRoomException;
import io.pulmo.node.Blobs;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.node.NodeServer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A coordinator's blobs on the other coordinators' disks, and theirs on its own: what makes them
 * outlive any one of them.
 *
 * <p>Its calls wait for the network and belong on a virtual thread. Every wait ends: a coordinator
 * with which nothing moves is given up after {@link #STALL}.
 */
final class BlobCopies implements AutoCloseable {
  /** After so long without movement another coordinator is given up. */
  static final Duration STALL = Duration.ofSeconds(5);

  /** How much longer the slower coordinators are waited for once one of them holds a copy. */
  static final Duration GRACE = Duration.ofSeconds(2);

  private static final Duration WANT_AGAIN = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(BlobCopies.class);

  private final BlobStore store;
  private final Supplier<List<HostPort>> others;
  private final Map<String, CompletableFuture<Status>> fetches = new ConcurrentHashMap<>();
  private final Map<String, Long> wantedNanos = new ConcurrentHashMap<>();

  @GuardedBy("this")
  private final Map<HostPort, ManagedChannel> channels = new HashMap<>();

  @GuardedBy("this")
  private boolean closed;

  /**
   * No copies yet.
   *
   * @param store this coordinator's
   * @param others the other coordinators that are up, as far as is known at the moment
   */
  BlobCopies(BlobStore store, Supplier<List<HostPort>> others) {
    this.store = store;
    this.others = others;
  }

  /**
   * Has another coordinator hold a blob of this one: OK once one does, or none is up. All of them
   * are given a copy; the slower ones are not waited for long.
   *
   * @param patience how long it is tried while others are up and none takes it, by a small blob
   * @return OK; or RESOURCE_EXHAUSTED or ABORTED if others are up and none takes it, with words
   */
  Status spread(String sha256, Duration patience) {
    OptionalLong size = store.size(sha256);
    return size.isEmpty()
        ? Status.NOT_FOUND.withDescription("no blob " + sha256 + " here")
        : new BlobSpread(sha256, size.getAsLong(), others, patience, this::copy).run();
  }

  /** Gives one coordinator a copy, unless it has one. */
  private Status copy(HostPort other, String sha256, long bytes) {
    try (InputStream in = java.nio.channels.Channels.newInputStream(store.open(sha256))) {
      Blobs.copy(channel(other), sha256, bytes, in, STALL);
      return Status.OK;
    } catch (StatusException e) {
      return e.getStatus();
    } catch (IOException e) {
      return Status.INTERNAL.withDescription("cannot read it: " + e.getMessage()).withCause(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Status.CANCELLED.withCause(e);
    }
  }

  /**
   * Fetches a blob that this coordinator lacks from one that holds it.
   *
   * @return OK once it is here; NOT_FOUND if every coordinator that is up says that it lacks it;
   *     RESOURCE_EXHAUSTED if there is no room here; UNAVAILABLE otherwise, with words
   */
  Status fetch(String sha256) {
    CompletableFuture<Status> mine = new CompletableFuture<>();
    CompletableFuture<Status> running = fetches.putIfAbsent(sha256, mine);
    if (running != null) {
      return running.join();
    }
    Status outcome = Status.INTERNAL.withDescription("fetching failed: the log says how");
    try {
      outcome = store.size(sha256).isPresent() ? Status.OK : fetchFromAny(sha256);
    } finally {
      fetches.remove(sha256);
      mine.complete(outcome);
    }
    return outcome;
  }

  /** Has a blob that this coordinator lacks fetched, and does not wait for it. */
  void want(String sha256) {
    long now = System.nanoTime();
    Long asked = wantedNanos.get(sha256);
    if (asked == null || now - asked > WANT_AGAIN.toNanos()) {
      wantedNanos.put(sha256, now);
      wantedNanos.values().removeIf(then -> now - then > 2 * WANT_AGAIN.toNanos());
      Thread.ofVirtual()
          .name("pulmo-want")
          .start(
              () -> {
                Status fetched = fetch(sha256);
                if (!fetched.isOk()) {
                  log.info("a blob is wanted and not there: {}", words(fetched));
                }
              });
    }
  }

  private Status fetchFromAny(String sha256) {
    List<String> unsure = new ArrayList<>();
    for (HostPort other : others.get()) {
      try (Arrival arrival = new Arrival(sha256)) {
        Blobs.fetch(channel(other), sha256, arrival, STALL);
        arrival.finish();
        log.info("blob {} fetched from {}", sha256, other);
        return Status.OK;
      } catch (StatusException e) {
        if (e.getStatus().getCode() != Status.Code.NOT_FOUND) {
          unsure.add(other + ": " + words(e.getStatus()));
        }
      } catch (NoRoomException e) {
        return Status.RESOURCE_EXHAUSTED.withDescription(e.getMessage()).withCause(e);
      } catch (IOException | IllegalArgumentException e) {
        unsure.add(other + ": " + e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Status.CANCELLED.withCause(e);
      }
    }
    return unsure.isEmpty()
        ? Status.NOT_FOUND.withDescription(
            "no blob " + sha256 + " on any coordinator that is up: expected one put before")
        : Status.UNAVAILABLE.withDescription(
            "blob " + sha256 + " is not here, and may be with " + String.join("; ", unsure));
  }

  /** A blob on its way from another coordinator into the store. */
  private final class Arrival implements Blobs.Sink, AutoCloseable {
    private final String sha256;
    private BlobStore.@Nullable Incoming incoming;

    Arrival(String sha256) {
      this.sha256 = sha256;
    }

    @Override
    public void begin(long totalBytes) throws IOException {
      if (totalBytes < 0 || totalBytes > BlobStore.LARGEST_BYTES) {
        throw new IOException("announced " + Long.toUnsignedString(totalBytes) + " bytes");
      }
      incoming = store.receive(sha256, totalBytes);
    }

    @Override
    public void write(ByteBuffer bytes) throws IOException {
      Objects.requireNonNull(incoming).write(bytes);
    }

    void finish() throws IOException {
      if (incoming == null) {
        begin(0);
      }
      Objects.requireNonNull(incoming).finish();
    }

    @Override
    public void close() throws IOException {
      BlobStore.Incoming open = incoming;
      if (open != null) {
        open.close();
      }
    }
  }

  private synchronized ManagedChannel channel(HostPort other) throws IOException {
    if (closed) {
      throw new IOException("this coordinator stops");
    }
    List<HostPort> up = others.get();
    channels
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = !up.contains(entry.getKey()) && !entry.getKey().equals(other);
              if (gone) {
                entry.getValue().shutdownNow();
              }
              return gone;
            });
    return channels.computeIfAbsent(
        other, address -> Channels.open(address, NodeServer.CONTROL_MESSAGE_BYTES));
  }

  static String words(Status status) {
    Throwable cause = status.getCause();
    String words =
        status.getDescription() == null
            ? status.getCode().toString()
            : status.getCode() + ": " + status.getDescription();
    return cause == null || cause.getMessage() == null ? words : words + ": " + cause.getMessage();
  }

  @Override
  public synchronized void close() {
    closed = true;
    channels.values().forEach(ManagedChannel::shutdownNow);
    channels.clear();
  }
}
