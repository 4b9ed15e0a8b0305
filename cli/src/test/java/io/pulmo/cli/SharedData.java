package io.pulmo.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/**
 * Where data too large for the repository lies: the variable PULMO_SHARED, else a sibling folder.
 */
public final class SharedData {
  private SharedData() {}

  /** A path below it; the test is skipped, saying so, where it is absent. */
  public static Path required(String path) {
    String named = System.getenv("PULMO_SHARED");
    Path root =
        named != null
            ? Path.of(named)
            : Path.of(System.getProperty("pulmo.root", "..")).resolve("../shared");
    Path file = root.resolve(path);
    Assumptions.assumeTrue(
        Files.exists(file), () -> "skipped: " + file.normalize() + " is absent; set PULMO_SHARED");
    return file;
  }
}
