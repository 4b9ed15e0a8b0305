package io.pulmo.worker.checkpoint;

import io.pulmo.model.bundle.Sha256;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** The file beside a file that names its SHA-256, as {@code sha256sum} writes and checks it. */
final class Sidecar {
  private static final int HEX_DIGITS = 64;

  private Sidecar() {}

  static Path of(Path file) {
    return file.resolveSibling(file.getFileName() + ".sha256");
  }

  /** Writes it, whole or not at all. */
  static void write(Path file) throws IOException {
    Path sidecar = of(file);
    Path draft = sidecar.resolveSibling("." + sidecar.getFileName() + "." + UUID.randomUUID());
    String line = Sha256.of(file) + "  " + file.getFileName() + "\n";
    try {
      Files.writeString(draft, line);
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(
          draft, sidecar, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(draft);
    }
  }

  /** Compares the file with it, if it is there. */
  static void verify(Path file) throws IOException {
    Path sidecar = of(file);
    if (!Files.isRegularFile(sidecar)) {
      return;
    }
    String line;
    try (var in = Files.newInputStream(sidecar)) {
      line = new String(in.readNBytes(HEX_DIGITS), StandardCharsets.US_ASCII);
    }
    String sha256 = Sha256.of(file);
    if (!sha256.equals(line)) {
      throw new IOException(
          "%s was altered or cut off: its SHA-256 is %s, %s says %s; take another checkpoint"
              .formatted(file, sha256, sidecar.getFileName(), line));
    }
  }
}
