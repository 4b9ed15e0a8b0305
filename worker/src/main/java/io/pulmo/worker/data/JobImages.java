package io.pulmo.worker.data;

import io.pulmo.worker.train.ImageBytes;
import io.pulmo.worker.train.TrainingException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A job's images as a member comes by them: from its own folder, from those pulled before, from a
 * peer. Whatever it gives has the SHA-256 that the manifest says. Safe for use by several threads.
 */
public final class JobImages implements ImageBytes {
  private static final Logger log = LoggerFactory.getLogger(JobImages.class);
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final int NAMED = 3;

  private final String workerName;
  private final String jobId;
  private final ImageIndex index;
  private final PulledImages pulled;
  private final ImagePeers peers;
  private final Holders holders;
  private final Duration patience;
  private final AtomicLong pulls = new AtomicLong();

  /**
   * A job's images, as long as nobody else is in its view.
   *
   * @param workerName for messages
   * @param patience for how long peers that hold an image are asked for it before that is an error
   */
  public JobImages(
      String workerName,
      String jobId,
      ImageIndex index,
      PulledImages pulled,
      ImagePeers peers,
      Duration patience) {
    this.workerName = workerName;
    this.jobId = jobId;
    this.index = index;
    this.pulled = pulled;
    this.peers = peers;
    this.holders = new Holders(workerName, jobId, index, peers);
    this.patience = patience;
  }

  /** The index of this worker's own images. */
  public ImageIndex index() {
    return index;
  }

  /** The other members of the view that this one enters; does not wait. */
  public void enter(List<ImagePeers.Peer> others) {
    holders.set(others);
  }

  /** How many images have come from peers. */
  public long pulls() {
    return pulls.get();
  }

  /**
   * All bytes of an image. Where no member of the view holds it, a member that does is waited for.
   *
   * @throws TrainingException if those that hold it do not give it
   */
  @Override
  public byte[] read(String name) throws TrainingException, InterruptedException {
    Integer place = index.place(name);
    if (place == null) {
      throw new TrainingException("the job's lists do not name the image " + name);
    }
    String wrong = "";
    if (index.manifest().holds(place)) {
      try {
        return readOwn(place);
      } catch (IOException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException("interrupted while reading " + name);
        }
        wrong = String.valueOf(e.getMessage());
        log.warn("{}; a peer is asked for it", wrong);
      }
      Optional<byte[]> kept = pulled.read(index.manifest().sha256(place));
      if (kept.isPresent()) {
        return kept.get();
      }
    }
    return pull(place, name, wrong);
  }

  private byte[] readOwn(int place) throws IOException {
    Path file = index.file(place);
    int bytes = index.manifest().bytes(place);
    byte[] content;
    try (InputStream in = Channels.newInputStream(FileChannel.open(file))) {
      // one more: a file that has grown shows by it
      content = in.readNBytes(bytes + 1);
    }
    if (content.length != bytes
        || !Digests.sha256(content).equals(index.manifest().sha256(place))) {
      throw new IOException(
          "worker %s: the image %s has changed since it was indexed (%s): put it back, or restart the worker"
              .formatted(workerName, file, index.manifest().describe(place)));
    }
    return content;
  }

  private byte[] pull(int place, String name, String wrong)
      throws TrainingException, InterruptedException {
    long giveUpNanos = System.nanoTime() + patience.toNanos();
    List<String> errors = new ArrayList<>();
    while (true) {
      Holders.Offer offer = holders.of(place);
      errors.clear();
      errors.addAll(offer.unanswered());
      if (!offer.sha256().isEmpty()) {
        Optional<byte[]> kept = pulled.read(offer.sha256());
        if (kept.isPresent()) {
          return kept.get();
        }
        List<ImagePeers.Peer> from = new ArrayList<>(offer.from());
        // Spreads the images that several hold, each time alike.
        Collections.rotate(from, from.isEmpty() ? 0 : place % from.size());
        for (ImagePeers.Peer peer : from) {
          byte[] content = ask(peer, name, offer, errors);
          if (content != null) {
            pulled.put(offer.sha256(), content);
            pulls.incrementAndGet();
            return content;
          }
        }
      }
      if (!offer.held() && offer.unanswered().isEmpty()) {
        if (!wrong.isEmpty()) {
          throw TrainingException.onlyHere(failure(name, wrong, errors), null);
        }
        // Its holder has left. The leader knows what the view lacks; another member may bring it.
        log.warn("worker {} waits for a member that holds the image {}", workerName, name);
        holders.awaitChange(offer.changes());
        giveUpNanos = System.nanoTime() + patience.toNanos();
        continue;
      }
      if (System.nanoTime() - giveUpNanos > 0) {
        throw TrainingException.onlyHere(failure(name, wrong, errors), null);
      }
      holders.await(PAUSE_NANOS);
    }
  }

  private byte @Nullable [] ask(
      ImagePeers.Peer peer, String name, Holders.Offer offer, List<String> errors)
      throws InterruptedException {
    try {
      byte[] content = peers.image(peer, jobId, name, offer.sha256(), offer.bytes());
      String came = Digests.sha256(content);
      if (content.length == offer.bytes() && came.equals(offer.sha256())) {
        return content;
      }
      errors.add(
          "%s gave %d bytes with SHA-256 %s, expected %d with %s"
              .formatted(peer.name(), content.length, came, offer.bytes(), offer.sha256()));
    } catch (IOException e) {
      errors.add(peer.name() + ": " + e.getMessage());
    }
    log.info("image {} did not come: {}", name, errors.getLast());
    return null;
  }

  private String failure(String name, String wrong, List<String> errors) {
    StringBuilder words = new StringBuilder();
    if (!wrong.isEmpty()) {
      words.append(wrong).append("; ");
    }
    words
        .append("worker ")
        .append(workerName)
        .append(" comes by the image ")
        .append(name)
        .append(" from no member of the job: ");
    if (errors.isEmpty()) {
      words.append("none holds it");
    } else {
      words.append(
          String.join("; ", errors.subList(0, Math.min(NAMED, errors.size())))
              + (errors.size() > NAMED ? "; ..." : ""));
    }
    return words.toString();
  }

  /**
   * An image for a peer.
   *
   * @param in its bytes, to be closed by the receiver
   * @param bytes how many there should be
   */
  public record Opened(InputStream in, int bytes) {}

  /**
   * Opens an image for a peer, whatever that peer calls it.
   *
   * @param sha256 that it should have; empty for whatever this worker holds
   * @throws IOException saying what this worker has instead
   */
  public Opened open(String name, String sha256) throws IOException {
    // A stranger's name is only ever looked up, never made a path.
    Integer place = index.place(name);
    if (place == null) {
      throw new IOException("the job's lists name no such image");
    }
    if (index.manifest().holds(place)) {
      if (!sha256.isEmpty() && !sha256.equals(index.manifest().sha256(place))) {
        throw new IOException(
            "other bytes lie under that name here: " + index.manifest().describe(place));
      }
      return opened(index.file(place), index.manifest().bytes(place));
    }
    Optional<Path> kept = sha256.isEmpty() ? Optional.empty() : pulled.find(sha256);
    if (kept.isEmpty()) {
      throw new IOException("it lies neither under --data here nor among the images pulled");
    }
    return opened(kept.get(), -1);
  }

  private static Opened opened(Path file, int expected) throws IOException {
    FileChannel channel = FileChannel.open(file);
    try {
      long bytes = channel.size();
      if (bytes > Integer.MAX_VALUE || (expected >= 0 && bytes != expected)) {
        throw new IOException("the file has changed since it was indexed");
      }
      return new Opened(Channels.newInputStream(channel), (int) bytes);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** The job is over: what was pulled is removed. */
  public void discard() {
    pulled.delete();
  }
}
