package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A main class of the tests in a JVM of its own, so that its survival is part of what is tested.
 */
final class ChildJvm {
  private ChildJvm() {}

  /**
   * Runs it to its end.
   *
   * @param options the JVM's
   * @return what it wrote, both streams
   */
  static String run(Path folder, Class<?> main, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    Path log = Files.createTempFile(folder, main.getSimpleName(), ".log");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(options);
    command.addAll(
        List.of("-ea", "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder + "/crash.log"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      boolean ended = process.waitFor(Boolean.getBoolean("pulmo.long") ? 60 : 5, TimeUnit.MINUTES);
      // OpenVINO prints the bytes that it refuses, which need not be text.
      String output = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
      assertTrue(ended, "it hangs: " + output);
      assertEquals(0, process.exitValue(), output);
      return output;
    } finally {
      process.destroyForcibly();
    }
  }
}
