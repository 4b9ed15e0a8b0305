package io.pulmo.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.client.Analysis;
import io.pulmo.client.Options;
import io.pulmo.client.Precision;
import io.pulmo.client.PulmoClient;
import io.pulmo.client.PulmoException;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.network.Preset;
import io.pulmo.node.Listen;
import io.pulmo.serving.ServingServer.Settings;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.BackendUnavailableException;
import io.pulmo.serving.backend.Mode;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Serving in a JVM of its own whose class path lacks DJL and libtorch. */
class WithoutTorchTest {
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  Path folder;

  private static Process start(Path log, List<String> jvm, List<String> arguments)
      throws Exception {
    String path =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.matches(".*[/\\\\]ai[/\\\\]djl[/\\\\].*"))
            .collect(Collectors.joining(File.pathSeparator));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvm);
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx512m",
            "-cp",
            path,
            Child.class.getName()));
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  private String run(List<String> jvm, String what) throws Exception {
    Path bundle = folder.resolve("bundle");
    TestModels.bundle(bundle, Preset.SMALL, 1);
    Path log = folder.resolve("log");
    Process child = start(log, jvm, List.of(what, bundle.toString()));
    try {
      assertTrue(child.waitFor(100, TimeUnit.SECONDS), () -> "the child hangs");
    } finally {
      child.destroyForcibly();
    }
    String output = Files.readString(log);
    assertEquals(0, child.exitValue(), output);
    return output;
  }

  /** What the child does: one check after its first argument, on the bundle of the second. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) throws Exception {
      Path bundle = Path.of(arguments[1]);
      switch (arguments[0]) {
        case "fp32" ->
            serve(
                new Settings(
                    bundle,
                    Listen.loopback(0),
                    Set.of(Mode.FP32),
                    true,
                    ImageLimits.DEFAULTS,
                    BackendOptions.ofThisMachine()));
        case "any" -> serve(Settings.offering(bundle, Listen.loopback(0)));
        case "torch" ->
            refused(
                new Settings(
                    bundle,
                    Listen.loopback(0),
                    Set.of(Mode.TORCH),
                    true,
                    ImageLimits.DEFAULTS,
                    BackendOptions.ofThisMachine()));
        case "broken" ->
            refused(
                new Settings(
                    bundle,
                    Listen.loopback(0),
                    Set.of(Mode.FP32),
                    true,
                    ImageLimits.DEFAULTS,
                    BackendOptions.ofThisMachine()));
        default -> throw new IllegalArgumentException(arguments[0]);
      }
    }

    private static void refused(Settings settings) throws Exception {
      try {
        ServingServer.start(settings).close();
      } catch (BackendUnavailableException e) {
        System.out.println("refused " + e.mode() + ": " + e.getMessage());
      }
    }

    private static void serve(Settings settings) throws Exception {
      try (ServingServer server = ServingServer.start(settings);
          PulmoClient client = PulmoClient.builder().target(server.address().toString()).build()) {
        Analysis analysis = client.analyze(TestImages.png(1));
        System.out.println("answered by " + analysis.precision());
        try {
          client.analyze(TestImages.png(1), Options.defaults().withPrecision(Precision.TORCH));
        } catch (PulmoException e) {
          System.out.println("torch: " + e.kind() + " " + e.getMessage());
        }
      }
    }
  }

  @Test
  @Timeout(120)
  void start_fp32Alone_servesAndLoadsNothingOfDjl() throws Exception {
    TestModels.assumeOpenVino();
    String output = run(List.of("-Xlog:class+load"), "fp32");
    assertTrue(output.contains("answered by FP32"), output);
    List<String> loaded =
        output.lines().filter(line -> line.matches(".* (ai\\.djl|io\\.pulmo\\.net)\\..*")).toList();
    assertEquals(List.of(), loaded);
  }

  @Test
  @Timeout(120)
  void start_whatRuns_offersFp32AndSaysWhyNotTorch() throws Exception {
    TestModels.assumeOpenVino();
    String output = run(List.of(), "any");
    assertTrue(output.contains("answered by FP32"), output);
    assertTrue(output.contains("torch: NOT_OFFERED torch is not offered"), output);
    assertTrue(output.contains("class path"), output);
  }

  @Test
  @Timeout(120)
  void start_torchAskedFor_isRefusedWithTheMend() throws Exception {
    String output = run(List.of(), "torch");
    assertTrue(output.contains("refused TORCH: "), output);
    assertTrue(output.contains("class path"), output);
    assertFalse(output.contains("answered"), output);
  }

  @Test
  @Timeout(120)
  void start_openVinoThatDoesNotLoad_isAModeThatCannotRun() throws Exception {
    Path broken = Files.writeString(folder.resolve("libopenvino_c.so.2641"), "no library");
    String output = run(List.of("-Dpulmo.openvino=" + broken), "broken");
    assertTrue(output.contains("refused FP32: " + broken + " does not load"), output);
    assertTrue(output.contains("set PULMO_OPENVINO"), output);
  }
}
