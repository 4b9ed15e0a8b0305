package io.pulmo.worker.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.data.ImageManifest;
import io.pulmo.worker.train.TrainingException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The other members of a job and what each says that it holds. Each is asked once, when first
 * needed. Safe for use by several threads.
 */
final class Holders {
  private static final Logger log = LoggerFactory.getLogger(Holders.class);

  /** A member that could not be asked is left alone for that long. */
  private static final long AGAIN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final String workerName;
  private final String jobId;
  private final ImageIndex own;
  private final ImagePeers peers;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private Map<String, Known> members = new LinkedHashMap<>();

  @GuardedBy("lock")
  private long changes;

  /** What members said, those that are gone too: what was pulled from them may lie elsewhere. */
  @GuardedBy("lock")
  private final Map<String, ImageManifest> told = new HashMap<>();

  private static final class Known {
    private final ImagePeers.Peer peer;

    // One thread asks; the others wait for it.
    private final ReentrantLock asking = new ReentrantLock();
    private volatile @Nullable ImageManifest manifest;
    private volatile String error = "";
    private volatile long failedNanos;

    Known(ImagePeers.Peer peer) {
      this.peer = peer;
    }
  }

  Holders(String workerName, String jobId, ImageIndex own, ImagePeers peers) {
    this.workerName = workerName;
    this.jobId = jobId;
    this.own = own;
    this.peers = peers;
  }

  /** These are the other members now. */
  void set(List<ImagePeers.Peer> others) {
    lock.lock();
    try {
      Map<String, Known> now = new LinkedHashMap<>();
      for (ImagePeers.Peer peer : others) {
        Known known = members.get(peer.memberId());
        now.put(
            peer.memberId(), known != null && known.peer.equals(peer) ? known : new Known(peer));
      }
      members = now;
      changes++;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the members change, or that long. */
  void await(long nanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long before = changes;
      long left = nanos;
      while (left > 0 && changes == before) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the members have changed since an offer. */
  void awaitChange(long since) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (changes == since) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Who may give an image.
   *
   * @param from members that say they have it; where none does, all of them: they may have pulled
   *     it
   * @param bytes its size, -1 if nobody has ever said that he holds it
   * @param sha256 its digest, likewise empty
   * @param unanswered members that could not be asked, and why
   * @param changes how often the members had changed before
   */
  record Offer(
      List<ImagePeers.Peer> from,
      boolean held,
      int bytes,
      String sha256,
      List<String> unanswered,
      long changes) {}

  /**
   * Asks whoever has not been asked.
   *
   * @throws TrainingException if one holds other bytes under one name than this worker
   */
  Offer of(int image) throws TrainingException, InterruptedException {
    List<ImagePeers.Peer> holding = new ArrayList<>();
    List<ImagePeers.Peer> all = new ArrayList<>();
    List<String> unanswered = new ArrayList<>();
    List<Known> asked;
    long before;
    lock.lock();
    try {
      asked = List.copyOf(members.values());
      before = changes;
    } finally {
      lock.unlock();
    }
    for (Known member : asked) {
      all.add(member.peer);
      ImageManifest manifest = ask(member);
      if (manifest == null) {
        unanswered.add(member.peer.name() + ": " + member.error);
      } else if (manifest.holds(image)) {
        holding.add(member.peer);
      }
    }
    ImageManifest says = whoKnows(image);
    return new Offer(
        holding.isEmpty() ? all : holding,
        !holding.isEmpty(),
        says == null ? -1 : says.bytes(image),
        says == null ? "" : says.sha256(image),
        unanswered,
        before);
  }

  private @Nullable ImageManifest whoKnows(int image) {
    if (own.manifest().holds(image)) {
      return own.manifest();
    }
    lock.lock();
    try {
      for (ImageManifest manifest : told.values()) {
        if (manifest.holds(image)) {
          return manifest;
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable ImageManifest ask(Known member) throws TrainingException, InterruptedException {
    ImageManifest known = member.manifest;
    if (known != null) {
      return known;
    }
    member.asking.lockInterruptibly();
    try {
      known = member.manifest;
      if (known != null
          || (!member.error.isEmpty() && System.nanoTime() - member.failedNanos < AGAIN_NANOS)) {
        return known;
      }
      ImageManifest manifest = peers.manifest(member.peer, jobId, own.manifest().images());
      check(member.peer, manifest);
      remember(member.peer, manifest);
      member.manifest = manifest;
      return manifest;
    } catch (IOException e) {
      member.error = String.valueOf(e.getMessage());
      member.failedNanos = System.nanoTime();
      log.info("{} does not say what images it holds: {}", member.peer.name(), member.error);
      return null;
    } finally {
      member.asking.unlock();
    }
  }

  private void remember(ImagePeers.Peer peer, ImageManifest manifest) {
    lock.lock();
    try {
      // Many come and go in a long job: those that are gone are kept only while they are few.
      for (Iterator<String> ids = told.keySet().iterator();
          ids.hasNext() && told.size() > 2 * members.size() + 4; ) {
        if (!members.containsKey(ids.next())) {
          ids.remove();
        }
      }
      told.put(peer.memberId(), manifest);
    } finally {
      lock.unlock();
    }
  }

  /** The leader has compared them before, by the beginnings of their digests. */
  private void check(ImagePeers.Peer peer, ImageManifest theirs) throws TrainingException {
    var different = own.manifest().firstDifference(theirs);
    if (different.isPresent()) {
      int image = different.get();
      throw TrainingException.onlyHere(
          "worker %1$s holds other data than worker %2$s under the same name: %3$s has %4$s on %1$s, %5$s on %2$s"
              .formatted(
                  workerName,
                  peer.name(),
                  own.names().get(image),
                  own.manifest().describe(image),
                  theirs.describe(image)),
          null);
    }
  }
}
