package io.pulmo.cli.download;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.SharedData;
import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArchiveTest {
  private static final String SHA = "0123456789abcdef".repeat(4);
  private static final String GOOD = "a.tar.gz\thttps://host/a\t" + SHA;

  private final Path list;

  ArchiveTest(@TempDir Path folder) {
    this.list = folder.resolve("list.tsv");
  }

  @Test
  void nih_hasTwelveOfOneHost() throws IOException {
    List<Archive> archives = Archive.nih();
    assertEquals(12, archives.size());
    assertEquals(12, new HashSet<>(archives.stream().map(Archive::sha256).toList()).size());
    assertEquals(12, new HashSet<>(archives.stream().map(Archive::address).toList()).size());
    for (int i = 0; i < 12; i++) {
      Archive archive = archives.get(i);
      assertEquals(i + 1, Integer.parseInt(archive.name().substring(7, 9)));
      assertEquals("https", archive.address().getScheme());
      assertEquals("nihcc.box.com", archive.address().getHost());
    }
  }

  @Test
  void nih_isTheListThatTheStudyUsed() throws IOException {
    assertEquals(Archive.read(SharedData.required("data/nih/archives.tsv")), Archive.nih());
  }

  @Test
  void read_remarksAndEmptyLines_areNone() throws IOException {
    Files.writeString(list, "# remark\n\n" + GOOD + "\r\n");
    assertEquals(
        List.of(new Archive("a.tar.gz", URI.create("https://host/a"), SHA)), Archive.read(list));
  }

  @ParameterizedTest(name = "{0} to {1}")
  @CsvSource(
      delimiter = '|',
      value = {
        "a.tar.gz|../a.tar.gz|the name '../a.tar.gz'",
        "a.tar.gz|.download|the name '.download'",
        "a.tar.gz|a.zip|the name 'a.zip'",
        "https:|ftp:|the address 'ftp://host/a'",
        "https:|file:|the address 'file://host/a'",
        "https://host/a|a b|the address 'a b'",
        "0123|ABCD|the SHA-256",
        "0123|012|the SHA-256",
        "https:|x\\ty|4 fields",
      })
  void read_badLine_isNamedByNumber(String part, String altered, String found) throws IOException {
    Files.writeString(
        list, "# remark\n" + GOOD.replaceFirst(part, altered.replace("\\t", "\t")) + "\n");
    assertRefused(", line 2: found " + found);
  }

  @Test
  void read_archiveTwiceOrNone_isRefused() throws IOException {
    Files.writeString(list, GOOD + "\n" + GOOD + "\n");
    assertRefused("line 2: found a.tar.gz a second time");
    Files.writeString(list, "# nothing\n");
    assertRefused("found no archive");
    Files.writeString(list, "#".repeat(2 << 20));
    assertRefused("found more than 1048576 bytes");
  }

  private void assertRefused(String words) {
    String message =
        String.valueOf(assertThrows(CommandFailure.class, () -> Archive.read(list)).getMessage());
    assertTrue(message.contains(words), message);
  }
}
