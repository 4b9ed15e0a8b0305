package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The images that a command line names, one after the other: files, the image files of folders, and
 * {@code -} for a list on standard input, one name a line.
 *
 * <p>A list is read as the images are asked for, so it may be endless. Safe for use by many
 * threads.
 */
final class ImageNames {
  /** What a file's name ends with for a folder to be searched for it. */
  private static final List<String> EXTENSIONS = List.of(".png", ".jpg", ".jpeg");

  private static final int MAX_LINE_BYTES = 4096;
  private static final int MAX_FOLDER_FILES = 1_000_000;

  private final Iterator<String> arguments;
  private final InputStream standardInput;
  private final Consumer<String> notes;
  private Iterator<String> folder = Collections.emptyIterator();
  private boolean listing;
  private long line;
  private boolean lineSeen;

  /**
   * The names of these arguments.
   *
   * @param notes told what is left out of a folder
   * @throws CommandFailure if standard input is named twice
   */
  ImageNames(List<String> arguments, InputStream standardInput, Consumer<String> notes) {
    if (arguments.stream().filter("-"::equals).count() > 1) {
      throw CommandFailure.usage("standard input, -, is named twice; expected once");
    }
    this.arguments = arguments.iterator();
    this.standardInput = new BufferedInputStream(standardInput);
    this.notes = notes;
  }

  /** What comes next: a file's name, and what is wrong with it if that is known already. */
  record Named(String name, Optional<String> refusal) {
    private static Named file(String name) {
      return new Named(name, Optional.empty());
    }

    private static Named refused(String name, String why) {
      return new Named(name, Optional.of(why));
    }
  }

  /**
   * The next one; none at the end.
   *
   * @throws IOException if standard input cannot be read
   */
  synchronized Optional<Named> next() throws IOException {
    while (true) {
      if (folder.hasNext()) {
        return Optional.of(Named.file(folder.next()));
      }
      if (listing) {
        Optional<Named> listed = listed();
        if (listed.isPresent()) {
          return listed;
        }
        listing = false;
        if (!lineSeen) {
          return Optional.of(Named.refused("-", "no file is named on standard input"));
        }
      } else if (!arguments.hasNext()) {
        return Optional.empty();
      } else {
        String argument = arguments.next();
        if (argument.equals("-")) {
          listing = true;
        } else if (!isFolder(argument)) {
          return Optional.of(Named.file(argument));
        } else {
          try {
            folder = images(Path.of(argument)).iterator();
          } catch (CommandFailure refused) {
            return Optional.of(Named.refused(argument, String.valueOf(refused.getMessage())));
          } catch (IOException e) {
            return Optional.of(Named.refused(argument, "the folder cannot be read: " + e));
          }
        }
      }
    }
  }

  private static boolean isFolder(String name) {
    try {
      return Files.isDirectory(Path.of(name));
    } catch (InvalidPathException e) {
      // Whoever reads the file says so.
      return false;
    }
  }

  private List<String> images(Path folder) throws IOException {
    List<String> images = new ArrayList<>();
    int files = 0;
    int folders = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (Files.isDirectory(entry)) {
          folders++;
        } else if (!isImage(entry.getFileName().toString())) {
          files++;
        } else if (images.size() == MAX_FOLDER_FILES) {
          throw CommandFailure.work(
              "a folder of more than "
                  + MAX_FOLDER_FILES
                  + " images; name them in a list on standard input");
        } else {
          images.add(entry.toString());
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    if (images.isEmpty()) {
      throw CommandFailure.work(
          "a folder without images; expected files named " + String.join(", ", EXTENSIONS));
    }
    if (files + folders > 0) {
      notes.accept(
          "%s: left out %d file%s whose name is none of an image (%s) and %d folder%s"
              .formatted(
                  folder,
                  files,
                  files == 1 ? "" : "s",
                  String.join(", ", EXTENSIONS),
                  folders,
                  folders == 1 ? "" : "s"));
    }
    Collections.sort(images);
    return images;
  }

  /** Whether a file of this name is taken from a folder. */
  static boolean isImage(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return !name.startsWith(".") && EXTENSIONS.stream().anyMatch(lower::endsWith);
  }

  /** The next name of the list that is not blank. */
  private Optional<Named> listed() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    while (true) {
      line++;
      bytes.reset();
      boolean tooLong = false;
      int next = standardInput.read();
      if (next < 0) {
        return Optional.empty();
      }
      for (; next >= 0 && next != '\n'; next = standardInput.read()) {
        tooLong |= bytes.size() == MAX_LINE_BYTES;
        if (!tooLong) {
          bytes.write(next);
        }
      }
      // File names are in the system's encoding, as those on the command line.
      String name = bytes.toString(Charset.forName(System.getProperty("native.encoding"))).strip();
      if (!name.isEmpty()) {
        lineSeen = true;
        return Optional.of(
            tooLong
                ? Named.refused(
                    "line " + line + " of standard input",
                    "over " + MAX_LINE_BYTES + " bytes; expected one file's name a line")
                : Named.file(name));
      }
    }
  }
}
