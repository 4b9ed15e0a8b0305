package io.pulmo.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes of their own, because an engine is loaded once in a process. */
class LibtorchTest {
  @TempDir Path directory = Path.of("");

  /** What the child processes run. */
  static final class Probe {
    private Probe() {}

    /** Loads the engine and computes. */
    @SuppressWarnings("SystemOut") // The parent reads it.
    public static void main(String[] args) {
      try (DenseNet net = DenseNet.create(Fixtures.TINY, 1)) {
        System.out.println("logits " + net.logits(new float[3 * 32 * 32], 1, 32).length);
      } catch (EngineUnavailableException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private record Child(Process process, Path output) {
    String join() throws IOException, InterruptedException {
      assertTrue(process.waitFor(120, TimeUnit.SECONDS), "the probe still runs after 120 s");
      return Files.readString(output);
    }
  }

  private Child start(String name, String... absent) throws IOException {
    String classPath =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> Arrays.stream(absent).noneMatch(entry::contains))
            .collect(Collectors.joining(File.pathSeparator));
    Path output = directory.resolve(name + ".txt");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "--enable-native-access=ALL-UNNAMED"));
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.addAll(List.of("-cp", classPath, Probe.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("DJL_CACHE_DIR", directory.resolve("cache").toString());
    builder.redirectErrorStream(true).redirectOutput(output.toFile());
    return new Child(builder.start(), output);
  }

  @Test
  void create_twoProcessesWithAnEmptyCache_bothComputeAndSayNothingElse() throws Exception {
    Child first = start("first");
    Child second = start("second");
    assertEquals("logits 14", first.join().strip());
    assertEquals("logits 14", second.join().strip());
  }

  @Test
  void create_withoutNatives_saysWhatWasLookedForAndTheMend() throws Exception {
    String message = start("none", "pytorch-native-cpu").join();
    assertTrue(message.startsWith("libtorch cannot be loaded"), message);
    assertTrue(message.contains("native/lib/pytorch.properties (absent)"), message);
    assertTrue(message.contains("Put pytorch-native-cpu for this platform"), message);
  }

  @Test
  void create_withoutDjl_saysTheSame() throws Exception {
    String message = start("none", Path.of("ai", "djl").toString()).join();
    assertTrue(message.startsWith("libtorch cannot be loaded"), message);
  }
}
