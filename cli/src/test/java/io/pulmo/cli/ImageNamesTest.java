package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.ImageNames.Named;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageNamesTest {
  private final List<String> notes = new ArrayList<>();
  private final Path directory;

  ImageNamesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void list_blankLinesAndCarriageReturns_areNoNames() throws Exception {
    assertEquals(
        List.of("a.png", "b c.png", "d.png"),
        names(List.of("-"), "a.png\r\n\n  \nb c.png\nd.png").stream().map(Named::name).toList());
  }

  @Test
  void list_lineWithoutEnd_isRefusedAndTheNextIsRead() throws Exception {
    List<Named> names = names(List.of("-"), "a.png\n" + "x".repeat(10_000_000) + "\nb.png\n");

    assertEquals(
        List.of("a.png", "line 2 of standard input", "b.png"),
        names.stream().map(Named::name).toList());
    assertTrue(names.get(1).refusal().orElseThrow().contains("4096"));
  }

  @Test
  void list_lineOfTheLongestLength_isAName() throws Exception {
    String longest = "x".repeat(4096);
    assertEquals(List.of(new Named(longest, Optional.empty())), names(List.of("-"), longest));
  }

  @Test
  void list_empty_isRefused() throws Exception {
    List<Named> names = names(List.of("-"), "\n\n");

    assertEquals(List.of("-"), names.stream().map(Named::name).toList());
    assertTrue(names.getFirst().refusal().isPresent());
  }

  @Test
  void folder_ofImagesAndOthers_givesImagesInOrderAndCountsTheRest() throws Exception {
    for (String name : List.of("b.PNG", "a.png", "c.jpeg", "scan.dcm", ".hidden.png", "list.txt")) {
      Files.createFile(directory.resolve(name));
    }
    Files.createDirectories(directory.resolve("inner.png"));

    assertEquals(
        List.of("first.png", directory + "/a.png", directory + "/b.PNG", directory + "/c.jpeg"),
        names(List.of("first.png", directory.toString()), "").stream().map(Named::name).toList());
    assertEquals(1, notes.size());
    assertTrue(notes.getFirst().contains("3 files"), notes.getFirst());
    assertTrue(notes.getFirst().contains("1 folder"), notes.getFirst());
  }

  @Test
  void folder_withoutImages_isRefusedAndTheNextIsRead() throws Exception {
    Files.createFile(directory.resolve("scan.dcm"));

    List<Named> names = names(List.of(directory.toString(), "b.png"), "");

    assertEquals(List.of(directory.toString(), "b.png"), names.stream().map(Named::name).toList());
    assertTrue(names.getFirst().refusal().orElseThrow().contains(".png"));
  }

  private List<Named> names(List<String> arguments, String standardInput) throws IOException {
    ImageNames names =
        new ImageNames(
            arguments,
            new ByteArrayInputStream(standardInput.getBytes(StandardCharsets.UTF_8)),
            notes::add);
    List<Named> all = new ArrayList<>();
    for (Optional<Named> next = names.next(); next.isPresent(); next = names.next()) {
      all.add(next.get());
    }
    return all;
  }
}
