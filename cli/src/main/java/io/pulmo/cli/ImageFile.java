package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.client.PulmoClient;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/** The bytes of an image file that a user names, which may be anything, or nothing. */
final class ImageFile {
  /**
   * The largest file, in bytes: what fits into a request, so that a bundle and a server answer the
   * same files.
   */
  static final int MAX_BYTES = PulmoClient.MAX_IMAGE_BYTES;

  private ImageFile() {}

  /**
   * Reads a file, if it is one and not too large; of a pipe or a device, which may never end,
   * nothing is read.
   *
   * @throws CommandFailure if it cannot be read; the message leaves the name to the caller
   */
  static byte[] read(String name) {
    try {
      Path file = Path.of(name);
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        throw CommandFailure.work("a folder; expected an image file");
      }
      if (!attributes.isRegularFile()) {
        throw CommandFailure.work("a pipe, socket or device; expected an image file");
      }
      checkSize(attributes.size());
      try (InputStream in = Files.newInputStream(file)) {
        // It may grow meanwhile.
        byte[] bytes = in.readNBytes(MAX_BYTES + 1);
        checkSize(bytes.length);
        return bytes;
      }
    } catch (InvalidPathException e) {
      throw CommandFailure.work("not a file's name: " + e.getReason());
    } catch (NoSuchFileException e) {
      throw CommandFailure.work("no such file");
    } catch (AccessDeniedException e) {
      throw CommandFailure.work("no permission to read it");
    } catch (FileSystemException e) {
      throw CommandFailure.work(Objects.requireNonNullElse(e.getReason(), e.toString()));
    } catch (IOException e) {
      throw CommandFailure.work("cannot be read: " + e.getMessage());
    }
  }

  private static void checkSize(long bytes) {
    if (bytes > MAX_BYTES) {
      throw CommandFailure.work(
          "a file of "
              + bytes
              + " bytes; expected at most "
              + MAX_BYTES
              + ": save it as a PNG of 8 bits");
    }
  }
}
