package io.pulmo.node;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateFolderTest {
  @Test
  void take_inUse_isRefusedByNameUntilItIsClosed(@TempDir Path directory) throws Exception {
    Path folder = directory.resolve("state");
    try (StateFolder held = StateFolder.take(folder)) {
      IOException refused = assertThrows(IOException.class, () -> StateFolder.take(folder));
      assertTrue(String.valueOf(refused.getMessage()).contains(folder.toString()), held::toString);
    }
    StateFolder.take(folder).close();
    assertTrue(Files.isDirectory(folder));
  }
}
