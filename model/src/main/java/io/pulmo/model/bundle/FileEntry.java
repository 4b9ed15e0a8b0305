package io.pulmo.model.bundle;

import java.util.regex.Pattern;

/**
 * A file of a bundle as its manifest lists it.
 *
 * @param path its plain name in the bundle's folder
 * @param bytes its size
 * @param sha256 of its bytes, 64 hexadecimal digits in lower case
 */
public record FileEntry(String path, long bytes, String sha256) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");

  /** Checks the name, which thereby stays within the folder, the size and the digest. */
  public FileEntry {
    requireName(path);
    if (bytes < 0) {
      throw new IllegalArgumentException(path + " has " + bytes + " bytes, expected 0 or more");
    }
    if (!DIGEST.matcher(sha256).matches()) {
      throw new IllegalArgumentException(
          "sha256 of " + path + " is '" + sha256 + "', expected 64 hexadecimal digits (0-9, a-f)");
    }
  }

  static void requireName(String path) {
    if (!NAME.matcher(path).matches()) {
      throw new IllegalArgumentException(
          "file name is '"
              + path
              + "', expected letters, digits, dots, dashes and underscores, at most 128, no folder");
    }
  }
}
