package io.pulmo.serving.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompiledModelsTest {
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  Path folder;

  private static Clock at(long second) {
    return Clock.fixed(Instant.ofEpochSecond(second), ZoneOffset.UTC);
  }

  private static String named(int n) {
    return "%016d".formatted(n) + "0".repeat(48);
  }

  @Test
  void of_manyBundles_keepsThoseUsedLast() throws Exception {
    CompiledModels models = new CompiledModels(folder.resolve("made/here"));
    for (int n = 1; n <= 8; n++) {
      Path own = models.of(named(n), at(n)).orElseThrow();
      Files.writeString(own.resolve("a.blob"), "compiled");
      // Writing made it as young as this test.
      models.of(named(n), at(n));
    }
    models.of(named(1), at(9));
    models.of(named(9), at(10));
    assertTrue(Files.exists(models.folder().resolve("%016d".formatted(1)).resolve("a.blob")));
    assertFalse(Files.exists(models.folder().resolve("%016d".formatted(2))));
    try (Stream<Path> left = Files.list(models.folder())) {
      assertEquals(8, left.count());
    }
  }

  @Test
  void of_noFolderToBeHad_isNoneAndNoError() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertEquals(Optional.empty(), new CompiledModels(file).of(named(1), at(1)));
  }
}
