package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobFilesTest {
  @Test
  void bundle_whoseManifestIsNotHere_isLackingAndWanted(@TempDir Path folder) throws Exception {
    String manifest = "a".repeat(64);
    List<String> wanted = new ArrayList<>();
    BlobFiles files = new BlobFiles(new BlobStore(folder), wanted::add);
    assertTrue(files.lacking(manifest).orElseThrow().contains(manifest));
    assertEquals(List.of(manifest), wanted);
    assertEquals(OptionalLong.empty(), files.size(manifest));
  }
}
