package io.pulmo.net;

import ai.djl.engine.Engine;
import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The native engine: loaded once in a process, and never from the network. */
final class Libtorch {
  private static final String NATIVES = "native/lib/pytorch.properties";
  private static final String JNI = "jnilib/pytorch.properties";

  private static @Nullable Engine engine;

  private Libtorch() {}

  /**
   * The engine; its first use extracts the natives into DJL's cache where they are not there yet.
   *
   * @throws EngineUnavailableException if it cannot be loaded
   */
  static synchronized Engine load() {
    Engine loaded = engine;
    if (loaded == null) {
      // One inter-op thread: a network's operations follow one another.
      Map.of(
              "ai.djl.offline", "true",
              "OPT_OUT_TRACKING", "true",
              "ai.djl.pytorch.graph_optimizer", "false",
              "ai.djl.pytorch.num_interop_threads", "1")
          .forEach(Libtorch::setDefault);
      loaded = loadAlone();
      engine = loaded;
    }
    return loaded;
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /**
   * Loads while no other process of Pulmo does: DJL deletes an unfinished directory before it moves
   * its own there, and so may delete what another process has just finished.
   */
  private static Engine loadAlone() {
    String cache = "unknown";
    try {
      Path directory = Utils.getEngineCacheDir("pytorch");
      cache = directory.toString();
      try (FileChannel channel = openLock(directory);
          FileLock _ = channel == null ? null : channel.lock()) {
        return Engine.getEngine("PyTorch");
      }
    } catch (IOException | RuntimeException | LinkageError | AssertionError e) {
      // By no name of DJL's: it may be DJL that is missing.
      throw unavailable(cache, e);
    }
  }

  /** Null where the cache cannot be written: then nothing is extracted, or DJL says why not. */
  private static @Nullable FileChannel openLock(Path directory) {
    try {
      Files.createDirectories(directory);
      return FileChannel.open(
          directory.resolve("pulmo.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      return null;
    }
  }

  private static EngineUnavailableException unavailable(String cache, Throwable cause) {
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String override = System.getenv("PYTORCH_LIBRARY_PATH");
    return new EngineUnavailableException(
        ("libtorch cannot be loaded (%s). Looked for PYTORCH_LIBRARY_PATH (%s), %s (%s) and %s (%s)"
                + " on the class path, extracted to %s. Put pytorch-native-cpu for this platform"
                + " and pytorch-jni on the class path, or choose a directory with 450 MB free by"
                + " DJL_CACHE_DIR")
            .formatted(
                root,
                override == null ? "not set" : override,
                NATIVES,
                presence(NATIVES),
                JNI,
                presence(JNI),
                cache),
        cause);
  }

  private static String presence(String resource) {
    return Libtorch.class.getClassLoader().getResource(resource) == null ? "absent" : "present";
  }
}
