package io.pulmo.bench;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;

/** The Python interpreter with the tools that Pulmo is compared with. */
final class Peers {
  private Peers() {}

  /** The interpreter; without one the test is skipped, and says so. */
  static Path python() {
    String python = System.getProperty("pulmo.peers", "");
    assumeTrue(!python.isEmpty(), "no Python tools to compare with: run ./pulmo verify --peers");
    return Path.of(python);
  }
}
