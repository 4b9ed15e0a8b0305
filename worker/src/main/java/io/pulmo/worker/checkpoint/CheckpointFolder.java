package io.pulmo.worker.checkpoint;

import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.view.CheckpointPruning;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.model.weights.Safetensors;
import io.pulmo.model.weights.WeightsFile;
import io.pulmo.worker.train.StateHeader;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of a job: {@code step-NNNNNNNN-view-N-SHA256.safetensors}, each whole or not
 * there.
 *
 * <p>A file holds the network's arrays by torchvision's names, the optimizer's under {@code
 * optimizer.} and those of the best epoch under {@code best.}; its metadata say the rest of the
 * state, as JSON under {@code state}, and again for people: preset, job, view, step, epoch,
 * learning_rate, optimizer_steps, best_epoch and best_auc.
 *
 * <p>Safe for use by several threads; one process at a time has the folder.
 */
public final class CheckpointFolder {
  private static final Logger log = LoggerFactory.getLogger(CheckpointFolder.class);

  private static final String DRAFT_PREFIX = ".draft-";
  private static final int MOST_HEAD_BYTES = (4 << 20) + Long.BYTES;
  private static final int MOST_ARRAYS_AS_LONG_AS_THE_WEIGHTS = 4;

  /** Older first: a view that was restored counts on from a lower step. */
  private static final Comparator<CheckpointFile> BY_AGE =
      Comparator.comparingLong((CheckpointFile file) -> file.label().view())
          .thenComparingLong(file -> file.label().step())
          .thenComparing(CheckpointFile::sha256);

  private final Path folder;
  private final DenseNetSpec network;
  private final String presetLabel;
  private final String jobId;
  private final int keep;
  private final Set<String> pinned = new HashSet<>();

  /**
   * A checkpoint that is here.
   *
   * @param published its label, hashes and score
   * @param path the file
   * @param bytes of the file
   */
  public record Held(ViewJournal.Published published, Path path, long bytes) {}

  /** The bytes of a file that comes from elsewhere, piece by piece. */
  @FunctionalInterface
  public interface Pieces {
    /** The next piece, none at the end. */
    byte @Nullable [] next() throws IOException, InterruptedException;
  }

  /**
   * A job's folder, made if it is missing. What killed writers left in it is removed.
   *
   * @param keep how many of the newest stay
   */
  public CheckpointFolder(Path folder, Preset preset, String jobId, int keep) throws IOException {
    this(folder, preset.network(), preset.label(), jobId, keep);
  }

  /** The same for a network that is no preset's. */
  CheckpointFolder(Path folder, DenseNetSpec network, String presetLabel, String jobId, int keep)
      throws IOException {
    this.folder = folder;
    this.network = network;
    this.presetLabel = presetLabel;
    this.jobId = jobId;
    this.keep = keep;
    Files.createDirectories(folder);
    try (DirectoryStream<Path> drafts = Files.newDirectoryStream(folder, DRAFT_PREFIX + "*")) {
      for (Path draft : drafts) {
        log.info("removing {}, which a killed worker left half-written", draft);
        Files.deleteIfExists(draft);
      }
    }
  }

  /** Where they lie. */
  public Path path() {
    return folder;
  }

  /** Says which ones stay whatever comes: those that the leader has published. */
  public synchronized void pin(Collection<String> sha256) {
    pinned.clear();
    pinned.addAll(sha256);
  }

  /** Whether one is published, as far as was said. */
  public synchronized boolean isPinned(String sha256) {
    return pinned.contains(sha256);
  }

  /**
   * The checkpoints whose bytes are as they were written, the newest first. Others are named in the
   * log and left out.
   *
   * @param most how many at most
   */
  public List<Held> good(int most) throws IOException {
    List<Held> good = new ArrayList<>();
    for (CheckpointFile file : files(folder).reversed()) {
      if (good.size() == most) {
        break;
      }
      try {
        file.verify();
        good.add(held(file));
      } catch (NoSuchFileException e) {
        log.debug("pruned meanwhile", e);
      } catch (IOException e) {
        log.warn("the checkpoint {} is of no use: {}", file.path().getFileName(), e.getMessage());
      }
    }
    return List.copyOf(good);
  }

  /** The file with these bytes, not verified; none if it is not here. */
  public Optional<Path> find(String sha256) throws IOException {
    return files(folder).stream()
        .filter(file -> file.sha256().equals(sha256))
        .map(CheckpointFile::path)
        .findFirst();
  }

  /**
   * Reads the state in a file, every byte of it verified.
   *
   * @throws IOException if it is not here, or was altered
   */
  public TrainingState load(String sha256) throws IOException {
    Path file =
        find(sha256)
            .orElseThrow(
                () -> new NoSuchFileException(folder + " has no checkpoint of SHA-256 " + sha256));
    return CheckpointFile.of(file).orElseThrow().state(network);
  }

  /**
   * Takes in a checkpoint from elsewhere, whole or not at all.
   *
   * @param sha256 that it must have
   * @throws IOException if it cannot be written, or is another one
   */
  public Held receive(String sha256, Pieces pieces) throws IOException, InterruptedException {
    long most =
        MOST_HEAD_BYTES
            + (long) MOST_ARRAYS_AS_LONG_AS_THE_WEIGHTS
                * Float.BYTES
                * (network.learnedSize() + network.statisticsSize());
    Path draft = draft();
    try {
      MessageDigest digest = Sha256.newDigest();
      long bytes = 0;
      try (FileChannel channel = create(draft)) {
        for (byte[] piece = pieces.next(); piece != null; piece = pieces.next()) {
          bytes += piece.length;
          if (bytes > most) {
            throw new IOException(
                "more than %d bytes came for checkpoint %s, which no state of preset %s has"
                    .formatted(most, sha256, presetLabel));
          }
          digest.update(piece);
          writeFully(channel, ByteBuffer.wrap(piece));
        }
        channel.force(true);
      }
      String found = HexFormat.of().formatHex(digest.digest());
      if (!found.equals(sha256)) {
        throw new IOException(
            "the %d bytes that came for checkpoint %s have SHA-256 %s: fetch it from another member"
                .formatted(bytes, sha256, found));
      }
      Map<String, String> metadata = Safetensors.metadata(draft);
      return settle(draft, label(metadata, draft), sha256);
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  /** Writes a checkpoint, whole or not at all, and reads it back; then removes the superfluous. */
  Held write(Snapshot snapshot) throws IOException {
    Path draft = draft();
    Held held;
    try {
      MessageDigest digest = Sha256.newDigest();
      try (FileChannel channel = create(draft)) {
        List<ByteBuffer> arrays = snapshot.arrays();
        StateHeader header = StateHeader.parse(snapshot.header());
        ByteBuffer head =
            ByteBuffer.wrap(
                Safetensors.head(
                    CheckpointFile.shapes(network, header.arrays().keySet()),
                    metadata(snapshot, header, arrays)));
        List<ByteBuffer> all = new ArrayList<>(List.of(head));
        all.addAll(arrays);
        for (ByteBuffer bytes : all) {
          digest.update(bytes.duplicate());
          writeFully(channel, bytes.duplicate());
        }
        channel.force(true);
      }
      held = settle(draft, snapshot.label(), HexFormat.of().formatHex(digest.digest()));
    } finally {
      Files.deleteIfExists(draft);
    }
    prune();
    return held;
  }

  private Path draft() {
    return folder.resolve(DRAFT_PREFIX + UUID.randomUUID());
  }

  private static FileChannel create(Path draft) throws IOException {
    return FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Gives a draft that is on the disk its name, and reads it back. */
  private Held settle(Path draft, Label label, String sha256) throws IOException {
    Path file = folder.resolve(CheckpointFile.name(label, sha256));
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
    CheckpointFile written = new CheckpointFile(file, label, sha256);
    try {
      written.verify();
      return held(written);
    } catch (IOException e) {
      Files.deleteIfExists(file);
      throw new IOException("read back, it is not what was written: " + e.getMessage(), e);
    }
  }

  private Map<String, String> metadata(
      Snapshot snapshot, StateHeader header, List<ByteBuffer> arrays) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(WeightsFile.FORMAT_KEY, WeightsFile.CHECKPOINT_FORMAT);
    metadata.put("preset", presetLabel);
    metadata.put("job", jobId);
    metadata.put("view", Long.toString(snapshot.label().view()));
    metadata.put("step", Long.toString(snapshot.label().step()));
    metadata.put("epoch", Integer.toString(header.epoch()));
    metadata.put("learning_rate", Double.toString(header.learningRate()));
    metadata.put("optimizer_steps", Long.toString(header.optimizerSteps()));
    metadata.put("best_epoch", Integer.toString(header.bestEpoch()));
    metadata.put(CheckpointFile.BEST_AUC_KEY, Double.toString(header.bestAuc()));
    metadata.put(CheckpointFile.DIGEST_KEY, TrainingState.digest(snapshot.header(), arrays));
    metadata.put(CheckpointFile.STATE_KEY, new String(snapshot.header(), StandardCharsets.UTF_8));
    return metadata;
  }

  private static Label label(Map<String, String> metadata, Path file) throws IOException {
    return new Label(number(metadata, "view", file), number(metadata, "step", file));
  }

  private static long number(Map<String, String> metadata, String key, Path file)
      throws IOException {
    String value = CheckpointFile.required(metadata, key, file);
    if (!value.matches("[0-9]{1,18}")) {
      throw new IOException(
          file + " has '" + value + "' for " + key + ", expected a number from 0 on");
    }
    return Long.parseLong(value);
  }

  private static Held held(CheckpointFile file) throws IOException {
    Map<String, String> metadata = Safetensors.metadata(file.path());
    return new Held(
        new ViewJournal.Published(
            file.label(),
            file.sha256(),
            CheckpointFile.required(metadata, CheckpointFile.DIGEST_KEY, file.path()),
            bestAuc(metadata)),
        file.path(),
        Files.size(file.path()));
  }

  private static double bestAuc(Map<String, String> metadata) {
    try {
      return Double.parseDouble(metadata.getOrDefault(CheckpointFile.BEST_AUC_KEY, "NaN"));
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  /**
   * Leaves the newest, those pinned, a few that may be published since, and the oldest of those
   * with the best score.
   */
  private synchronized void prune() {
    try {
      List<CheckpointFile> all = files(folder);
      Optional<CheckpointFile> best = best(all);
      for (CheckpointFile file :
          CheckpointPruning.superfluous(all, one -> pinned.contains(one.sha256()), keep)) {
        if (!file.equals(best.orElse(null))) {
          Files.deleteIfExists(file.path());
        }
      }
    } catch (IOException e) {
      log.warn("old checkpoints in {} cannot be removed: {}", folder, e.toString());
    }
  }

  private static Optional<CheckpointFile> best(List<CheckpointFile> oldestFirst) {
    CheckpointFile best = null;
    double bestAuc = Double.NEGATIVE_INFINITY;
    for (CheckpointFile file : oldestFirst) {
      try {
        double auc = bestAuc(Safetensors.metadata(file.path()));
        // The first that has a score was written when that epoch had just ended.
        if (auc > bestAuc) {
          best = file;
          bestAuc = auc;
        }
      } catch (IOException e) {
        log.warn("the checkpoint {} is of no use: {}", file.path().getFileName(), e.getMessage());
      }
    }
    return Optional.ofNullable(best);
  }

  /** The checkpoints of a folder, the oldest first. */
  static List<CheckpointFile> files(Path folder) throws IOException {
    List<CheckpointFile> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path path : all) {
        CheckpointFile.of(path).ifPresent(files::add);
      }
    }
    files.sort(BY_AGE);
    return files;
  }
}
