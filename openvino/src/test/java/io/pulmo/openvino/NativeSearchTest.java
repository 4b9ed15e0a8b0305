package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.openvino.OpenVinoNatives.Location;
import io.pulmo.openvino.OpenVinoNatives.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The search on made-up machines whose libraries are empty files. */
class NativeSearchTest {
  private static final String LIBRARY = "libopenvino_c.so.2641";

  private final Map<String, String> environment = new HashMap<>();
  private final Map<String, String> properties = new HashMap<>();
  private Path root = Path.of("");

  @BeforeEach
  void emptyMachine(@TempDir Path folder) {
    root = folder;
    environment.put("HOME", folder.resolve("home").toString());
    properties.put("os.name", "Linux");
    properties.put("java.class.path", "");
  }

  @Test
  void locate_everyPlaceFilled_followsTheOrder() throws IOException {
    // From the last place to the first: each is found although those before it are there too.
    assertFound(Source.SYSTEM, library("usr/lib/x86_64-linux-gnu"));
    assertFound(Source.PYTHON, library("usr/local/lib/python3.11/dist-packages/openvino/libs"));
    assertFound(Source.PYTHON, library("home/.local/lib/python3.12/site-packages/openvino/libs"));
    environment.put("VIRTUAL_ENV", root.resolve("venv").toString());
    assertFound(Source.PYTHON, library("venv/lib/python3.13/site-packages/openvino/libs"));
    assertFound(Source.DOWNLOAD, library("home/.cache/pulmo/openvino/2026.4.1/openvino/libs"));
    environment.put("INTEL_OPENVINO_DIR", root.resolve("intel").toString());
    assertFound(Source.INTEL_OPENVINO_DIR, library("intel/runtime/lib/intel64"));
    properties.put("java.class.path", root.resolve("openvino-natives").toString());
    assertFound(Source.CLASS_PATH, library("openvino-natives/linux"));
    environment.put("PULMO_OPENVINO", root.resolve("mine").toString());
    assertFound(Source.SETTING, library("mine"));
    Path file = library("other/openvino/libs");
    properties.put("pulmo.openvino", file.toString());
    assertFound(Source.SETTING, file);
  }

  @Test
  void locate_nothingThere_listsEveryPlaceAndTheMend() {
    OpenVinoNotFoundException e =
        assertThrows(OpenVinoNotFoundException.class, () -> search().locate());
    String all = String.join("\n", e.lookedAt());
    for (String place :
        List.of(
            "PULMO_OPENVINO",
            "class path",
            "INTEL_OPENVINO_DIR",
            root + "/home/.cache/pulmo/openvino/2026.4.1",
            root + "/usr/local/lib/python3*",
            root + "/usr/lib/x86_64-linux-gnu")) {
      assertTrue(all.contains(place), all);
      assertTrue(e.toString().contains(place), e.toString());
    }
    assertTrue(
        e.mend().contains("--target " + root + "/home/.cache/pulmo/openvino/2026.4.1"), e.mend());
  }

  @Test
  void locate_wrongSetting_isRefusedThoughOthersAreThere() throws IOException {
    library("home/.cache/pulmo/openvino/2026.4.1/openvino/libs");
    environment.put("PULMO_OPENVINO", root.resolve("typo").toString());
    OpenVinoNotFoundException e =
        assertThrows(OpenVinoNotFoundException.class, () -> search().locate());
    assertTrue(e.toString().contains(root.resolve("typo") + " (no such folder)"), e.toString());
    assertEquals("correct or unset PULMO_OPENVINO", e.mend());
  }

  @Test
  void locate_severalReleases_takesTheNewest() throws IOException {
    Path folder = root.resolve("usr/lib64");
    Files.createDirectories(folder);
    Files.createFile(folder.resolve("libopenvino_c.so.2540"));
    assertFound(Source.SYSTEM, library("usr/lib64"));
  }

  @Test
  void locate_otherSystems_lookForTheirNames() throws IOException {
    Path folder = Files.createDirectories(root.resolve("mine"));
    environment.put("PULMO_OPENVINO", folder.toString());
    properties.put("os.name", "Mac OS X");
    assertFound(Source.SETTING, Files.createFile(folder.resolve("libopenvino_c.2641.dylib")));
    properties.put("os.name", "Windows 11");
    assertFound(Source.SETTING, Files.createFile(folder.resolve("openvino_c.dll")));
  }

  @Test
  void downloadFolder_cacheSettings_areFollowed() {
    environment.put("XDG_CACHE_HOME", "/x");
    assertEquals(Path.of("/x/pulmo/openvino/2026.4.1"), search().downloadFolder());
    environment.put("PULMO_CACHE", "/p");
    assertEquals(Path.of("/p/openvino/2026.4.1"), search().downloadFolder());
  }

  @Test
  void locate_jarOnClassPath_isUnpackedOnceWithItsNeighbours() throws IOException {
    Path jar = root.resolve("openvino-natives.jar");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
      for (String name :
          List.of("natives/" + LIBRARY, "natives/libtbb.so.12", "natives/deep/x", "../../evil")) {
        out.putNextEntry(new ZipEntry(name));
        out.write(name.getBytes(StandardCharsets.UTF_8));
      }
    }
    properties.put("java.class.path", root.resolve("a.jar") + ":" + jar);
    Location found = search().locate();
    assertEquals(Source.CLASS_PATH, found.source());
    Path folder = found.library().resolveSibling("");
    try (var files = Files.list(folder)) {
      assertEquals(
          List.of(LIBRARY, "libtbb.so.12"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
    assertArrayEquals(
        ("natives/" + LIBRARY).getBytes(StandardCharsets.UTF_8),
        Files.readAllBytes(found.library()));
    var written = Files.getLastModifiedTime(found.library());
    assertEquals(found, search().locate());
    assertEquals(written, Files.getLastModifiedTime(found.library()));
  }

  @Test
  void load_fileThatIsNoLibrary_saysWhichFile() throws IOException {
    Path library = library("mine");
    OpenVinoException e = assertThrows(OpenVinoException.class, () -> new NativeLibrary(library));
    assertTrue(e.toString().contains(library + " does not load"), e.toString());
    assertEquals("NOT_LOADED", e.status());
  }

  private Path library(String folder) throws IOException {
    return Files.createFile(Files.createDirectories(root.resolve(folder)).resolve(LIBRARY));
  }

  private void assertFound(Source source, Path library) {
    assertEquals(new Location(library, source), search().locate());
  }

  private NativeSearch search() {
    return new NativeSearch(environment::get, properties::get, root);
  }
}
