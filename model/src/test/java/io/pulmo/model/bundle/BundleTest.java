package io.pulmo.model.bundle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.network.Preset;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleTest {
  private static final byte[] ONNX = "a network".getBytes(StandardCharsets.UTF_8);

  @Test
  void commit_wholeBundle_opensAsWritten(@TempDir Path folder) throws IOException {
    Bundle written = write(folder.resolve("models/lungs"));
    Bundle opened = Bundle.open(folder.resolve("models/lungs"));
    assertEquals(written, opened);
    assertEquals(
        Sha256.of(Files.readAllBytes(opened.folder().resolve("manifest.json"))), opened.digest());
    assertArrayEquals(ONNX, Files.readAllBytes(opened.file(Bundle.ONNX)));
    assertEquals(selfTest(), opened.selfTest());
    assertEquals(List.of("lungs"), names(folder.resolve("models")));
  }

  @Test
  void open_alteredByte_namesTheFile(@TempDir Path folder) throws IOException {
    Bundle bundle = write(folder.resolve("lungs"));
    for (String name : List.of(Bundle.ONNX, Bundle.SELF_TEST)) {
      byte[] original = Files.readAllBytes(bundle.file(name));
      for (int at : new int[] {0, original.length / 2, original.length - 1}) {
        byte[] altered = original.clone();
        altered[at] ^= 1;
        Files.write(bundle.file(name), altered);
        assertRefused(bundle.folder(), name, "altered");
      }
      Files.write(bundle.file(name), original);
    }
    Bundle.open(bundle.folder());
  }

  @Test
  void open_truncatedOrMissingFile_namesIt(@TempDir Path folder) throws IOException {
    Bundle bundle = write(folder.resolve("lungs"));
    Files.write(bundle.file(Bundle.ONNX), new byte[3]);
    assertRefused(bundle.folder(), Bundle.ONNX, "has 3 bytes, expected " + ONNX.length);
    Files.delete(bundle.file(Bundle.ONNX));
    assertRefused(bundle.folder(), Bundle.ONNX, "missing");
    Files.delete(bundle.folder().resolve(Bundle.MANIFEST));
    assertRefused(bundle.folder(), Bundle.MANIFEST, "missing");
    assertRefused(folder.resolve("nowhere"), "nowhere", "no folder");
  }

  @Test
  void open_link_isNoFile(@TempDir Path folder) throws IOException {
    Bundle bundle = write(folder.resolve("lungs"));
    Path elsewhere = folder.resolve("elsewhere");
    Files.move(bundle.file(Bundle.ONNX), elsewhere);
    Files.createSymbolicLink(bundle.file(Bundle.ONNX), elsewhere);
    assertRefused(bundle.folder(), Bundle.ONNX, "missing");
  }

  @Test
  void open_endlessManifest_isRefused(@TempDir Path folder) throws IOException {
    Files.write(folder.resolve(Bundle.MANIFEST), new byte[Bundle.LONGEST_JSON_BYTES + 1]);
    assertRefused(folder, Bundle.MANIFEST, "too long");
  }

  @Test
  void file_notListed_isRefused(@TempDir Path folder) throws IOException {
    Bundle bundle = write(folder.resolve("lungs"));
    assertThrows(BundleException.class, () -> bundle.file("int8.onnx"));
  }

  @Test
  void create_existingTarget_isRefusedAndKept(@TempDir Path folder) throws IOException {
    Bundle bundle = write(folder.resolve("lungs"));
    BundleException e =
        assertThrows(BundleException.class, () -> BundleWriter.create(bundle.folder()));
    assertTrue(e.toString().contains("exists, expected a new folder"), e.toString());
    assertEquals(bundle, Bundle.open(bundle.folder()));
  }

  @Test
  void commit_targetAppearedMeanwhile_isRefusedAndKept(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("lungs");
    try (BundleWriter writer = BundleWriter.create(out)) {
      writer.add(Bundle.MANIFEST, manifest(addFiles(writer)).json());
      Files.createDirectory(out);
      assertThrows(BundleException.class, writer::commit);
    }
    assertEquals(List.of("lungs"), names(folder));
    assertEquals(List.of(), names(out));
  }

  @Test
  void close_uncommitted_leavesNothing(@TempDir Path folder) throws IOException {
    try (BundleWriter writer = BundleWriter.create(folder.resolve("lungs"))) {
      addFiles(writer);
      assertEquals(1, names(folder).size());
    }
    assertEquals(List.of(), names(folder));
  }

  @Test
  void commit_fileThatDiffersFromManifest_isRefused(@TempDir Path folder) throws IOException {
    try (BundleWriter writer = BundleWriter.create(folder.resolve("lungs"))) {
      byte[] manifest = manifest(addFiles(writer)).json();
      writer.add(Bundle.MANIFEST, manifest);
      writer.add(Bundle.ONNX, new byte[ONNX.length]);
      assertThrows(BundleException.class, writer::commit);
    }
    assertEquals(List.of(), names(folder));
  }

  @Test
  void add_streamLongerThanSaid_isRefused(@TempDir Path folder) throws IOException {
    try (BundleWriter writer = BundleWriter.create(folder.resolve("lungs"))) {
      FileEntry entry = writer.add(Bundle.ONNX, new ByteArrayInputStream(ONNX), ONNX.length);
      assertEquals(new FileEntry(Bundle.ONNX, ONNX.length, Sha256.of(ONNX)), entry);
      assertThrows(
          BundleException.class,
          () -> writer.add("more", new ByteArrayInputStream(ONNX), ONNX.length - 1));
    }
    assertEquals(List.of(), names(folder));
  }

  @Test
  void add_nameWithFolder_isRefused(@TempDir Path folder) throws IOException {
    try (BundleWriter writer = BundleWriter.create(folder.resolve("lungs"))) {
      for (String name : List.of("../x", "a/b", "a\\b", "", ".", "..", ".hidden", "/x")) {
        assertThrows(IllegalArgumentException.class, () -> writer.add(name, ONNX), name);
      }
    }
    assertFalse(Files.exists(folder.resolve("x")));
  }

  private static void assertRefused(Path folder, String file, String says) {
    BundleException e = assertThrows(BundleException.class, () -> Bundle.open(folder));
    assertTrue(e.toString().contains(file), e.toString());
    assertTrue(e.toString().contains(says), e.toString());
  }

  private static Bundle write(Path out) throws IOException {
    try (BundleWriter writer = BundleWriter.create(out)) {
      writer.add(Bundle.MANIFEST, manifest(addFiles(writer)).json());
      return writer.commit();
    }
  }

  private static List<FileEntry> addFiles(BundleWriter writer) throws IOException {
    return List.of(writer.add(Bundle.ONNX, ONNX), writer.add(Bundle.SELF_TEST, selfTest().json()));
  }

  private static SelfTest selfTest() {
    List<Float> probabilities = new ArrayList<>();
    for (int i = 0; i < 14; i++) {
      probabilities.add(i / 14f);
    }
    return new SelfTest(-7, probabilities, 1e-4f);
  }

  private static Manifest manifest(List<FileEntry> files) {
    return new Manifest(
        Manifest.FORMAT,
        "lungs",
        3,
        "2026-01-31T12:00:00Z",
        Preset.SMALL.network(),
        Preset.SMALL.preprocessing(),
        Manifest.LABELS,
        files,
        Map.of("job", "j1", "data", "generated"));
  }

  private static List<String> names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
