package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What shows only in a whole process: that it lives on, and that it does not grow. */
class ProcessTest {
  /** A heap that neither grows nor shrinks, so that it does not hide what native memory does. */
  private static final List<String> FIXED_HEAP =
      List.of("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC");

  private static final boolean LONG = Boolean.getBoolean("pulmo.long");

  private Path folder = Path.of("");
  private Path library = Path.of("");

  @BeforeEach
  void findOpenVino(@TempDir Path temporary) {
    folder = temporary;
    TestModels.coreOrSkip().close();
    library = OpenVinoNatives.locate().library();
  }

  @Test
  void misuse_drawnAtRandom_endsInExceptionsOnly() throws Exception {
    int calls = LONG ? 20_000 : 1_000;
    String output = run(Misuse.class, List.of(), folder.toString(), calls + "", "1");
    assertTrue(output.contains("survived " + calls + " wrong calls"), output);
  }

  @Test
  void closing_whileOthersUse_neverEndsTheProcess() throws Exception {
    int rounds = LONG ? 2_000 : 30;
    String output = run(Stress.class, List.of("-Xmx512m"), folder.toString(), rounds + "", "1");
    assertTrue(output.contains("survived " + rounds + " rounds"), output);
  }

  @Test
  void memory_manyRequestsAndCompilations_doesNotGrow() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "no /proc on this system");
    // The short run is mostly warm-up, in which memory may still grow.
    String limitPercent = LONG ? "1" : "10";
    Path model = TestModels.convolutionIn(folder, 64);
    String output =
        run(
            Soak.class,
            FIXED_HEAP,
            model.toString(),
            LONG ? "10,3,64,64" : "2,3,64,64",
            LONG ? "10000" : "1000",
            LONG ? "300" : "50",
            limitPercent);
    assertTrue(output.contains("requests: resident"), output);
    System.out.print(output);
  }

  @Test
  void slope_lineAndNoise_isTheRiseByTheMean() {
    List<Double> line = new ArrayList<>();
    List<Double> flat = new ArrayList<>();
    for (int i = 0; i <= 100; i++) {
      line.add(95 + i / 10.0);
      flat.add(100 + (i % 2 == 0 ? 1.0 : -1.0));
    }
    assertEquals(10, Soak.slopePercent(line), 1e-9);
    assertEquals(0, Soak.slopePercent(flat), 0.1);
  }

  @Test
  void otherRelease_sameTests_pass() throws Exception {
    String other = System.getenv("PULMO_OPENVINO_OTHER");
    assumeTrue(
        other != null && !other.isBlank(),
        "PULMO_OPENVINO_OTHER names no other release of OpenVINO: a wheel, or a folder of libraries");
    Path path = Path.of(other);
    library = other.endsWith(".whl") ? unpacked(path) : path;
    String output =
        run(
            EveryTest.class,
            List.of(),
            OpenVinoTest.class.getName(),
            PortsTest.class.getName(),
            FeaturesTest.class.getName(),
            AsyncTest.class.getName());
    assertTrue(output.contains("tests on 20"), output);
    System.out.print(output);
  }

  private Path unpacked(Path wheel) throws Exception {
    Path libraries = Files.createDirectory(folder.resolve("libraries"));
    try (ZipFile zip = new ZipFile(wheel.toFile())) {
      for (ZipEntry entry :
          zip.stream().filter(e -> e.getName().startsWith("openvino/libs/")).toList()) {
        String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
        try (InputStream bytes = zip.getInputStream(entry)) {
          Files.copy(bytes, libraries.resolve(name));
        }
      }
    }
    return libraries;
  }

  private String run(Class<?> main, List<String> options, String... arguments) throws Exception {
    List<String> all = new ArrayList<>(options);
    all.add("-Dpulmo.openvino=" + library);
    return ChildJvm.run(folder, main, all, arguments);
  }
}
