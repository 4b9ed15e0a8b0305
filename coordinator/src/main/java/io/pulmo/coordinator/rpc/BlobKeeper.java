package io.pulmo.coordinator.rpc;

import io.grpc.Status;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.BlobUses;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What sees to it, on each coordinator, that it holds what the jobs refer to and little else: the
 * files and the bundle of every job that waits, runs or is completed. What it lacks it fetches from
 * the others, so that a coordinator that came later soon holds everything too.
 */
final class BlobKeeper implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BlobKeeper.class);
  private static final long LOOK_SECONDS = 5;
  private static final long RETRY_NANOS = Duration.ofSeconds(30).toNanos();
  private static final long COLLECT_NANOS = Duration.ofHours(1).toNanos();
  private static final int LARGEST_MANIFEST_BYTES = 1 << 20;

  private final BlobStore store;
  private final BlobCopies copies;
  private final BlobUses uses;
  private final LongSupplier nanoTime;
  private final ScheduledExecutorService executor =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("pulmo-blobs").factory());

  // The executor's thread owns these.
  private final Map<String, List<String>> bundles = new HashMap<>();
  private final Map<String, Long> failedNanos = new HashMap<>();
  private long collectedNanos;

  BlobKeeper(BlobStore store, BlobCopies copies, BlobUses uses, LongSupplier nanoTime) {
    this.store = store;
    this.copies = copies;
    this.uses = uses;
    this.nanoTime = nanoTime;
    this.collectedNanos = nanoTime.getAsLong() - COLLECT_NANOS;
  }

  void start() {
    var unused =
        executor.scheduleWithFixedDelay(
            this::lookGuarded, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  private void lookGuarded() {
    try {
      look();
    } catch (IOException e) {
      log.debug("the blobs are not looked after at the moment", e);
    } catch (RuntimeException | Error e) {
      // An executor would keep it to itself, and never look again.
      log.error("looking after the blobs failed", e);
    }
  }

  /**
   * Fetches what is lacking and drops what is too much.
   *
   * @throws IOException if nobody can say at the moment what is wanted
   */
  void look() throws IOException {
    Set<String> wanted = new HashSet<>();
    Set<String> manifests = new HashSet<>();
    for (BlobUses.Use job : uses.read()) {
      switch (job.state()) {
        case QUEUED, RUNNING, COMPLETED -> {
          job.files().forEach(file -> wanted.add(file.sha256()));
          if (!job.bundleManifestSha256().isEmpty()) {
            manifests.add(job.bundleManifestSha256());
          }
        }
        case FAILED, CANCELLED -> {
          // Submitted again, it brings its files along.
        }
      }
    }
    bundles.keySet().retainAll(manifests);
    wanted.addAll(manifests);
    boolean allKnown = true;
    for (String manifest : manifests) {
      allKnown &= has(manifest) && readBundle(manifest);
      wanted.addAll(bundles.getOrDefault(manifest, List.of()));
    }
    failedNanos.keySet().retainAll(wanted);
    for (String sha256 : wanted) {
      has(sha256);
    }
    // Files of a bundle that is not understood here would look like nobody's.
    if (allKnown && nanoTime.getAsLong() - collectedNanos >= COLLECT_NANOS) {
      collectedNanos = nanoTime.getAsLong();
      int dropped = store.collect(wanted);
      if (dropped > 0) {
        log.info("{} blobs dropped to which no job has referred for a day", dropped);
      }
    }
  }

  /** Whether a blob is here, now or after fetching it. */
  private boolean has(String sha256) {
    if (store.size(sha256).isPresent()) {
      return true;
    }
    Long failed = failedNanos.get(sha256);
    if (failed != null && nanoTime.getAsLong() - failed < RETRY_NANOS) {
      return false;
    }
    Status fetched = copies.fetch(sha256);
    if (fetched.isOk()) {
      failedNanos.remove(sha256);
      return true;
    }
    if (failed == null) {
      log.warn("a blob that a job refers to is not here: {}", BlobCopies.words(fetched));
    }
    failedNanos.put(sha256, nanoTime.getAsLong());
    return false;
  }

  private boolean readBundle(String manifest) {
    if (bundles.containsKey(manifest)) {
      return true;
    }
    try (InputStream in = Channels.newInputStream(store.open(manifest))) {
      byte[] json = in.readNBytes(LARGEST_MANIFEST_BYTES);
      bundles.put(
          manifest,
          Manifest.parse(Bundle.MANIFEST, json).files().stream().map(FileEntry::sha256).toList());
      return true;
    } catch (IOException e) {
      if (failedNanos.put(manifest, nanoTime.getAsLong()) == null) {
        log.warn("the manifest {} is not understood: {}", manifest, e.getMessage());
      }
      return false;
    }
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
