package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.data.SyntheticRadiographs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** An image that is measured with. */
record BenchImage(Kind kind, Path file, byte[] bytes) {
  /** Where an image comes from. */
  enum Kind {
    GENERATED,
    REAL,
    GIVEN;

    /** As users and files spell it. */
    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final int GENERATED_IMAGES = 8;
  private static final int SIDE_PIXELS = 1024;
  private static final long SEED = 1;

  /** The fewest that the generator draws, with two images or more each. */
  private static final int PATIENTS = 10;

  /** The start of a PNG file up to its colour type: 8-bit grey is 8, 0. */
  private static final int HEADER_BYTES = 26;

  String name() {
    return file.getFileName().toString();
  }

  /** Draws radiographs of 1024 pixels into a folder. */
  static List<BenchImage> generate(Path folder) throws IOException {
    SyntheticRadiographs.generate(
        new SyntheticRadiographs.Settings(PATIENTS, SEED, SIDE_PIXELS, false), folder, done -> {});
    return read(Kind.GENERATED, folder.resolve("images")).subList(0, GENERATED_IMAGES);
  }

  /** The radiographs of 1024 pixels and 8 grey bits among the shared data; none without it. */
  static List<BenchImage> real(Path shared) throws IOException {
    Path folder = shared.resolve("data/xrays");
    return Files.isDirectory(folder)
        ? read(Kind.REAL, folder).stream().filter(BenchImage::isGrey1024).toList()
        : List.of();
  }

  /** A folder's PNG files. */
  static List<BenchImage> given(Path folder) throws IOException {
    List<BenchImage> images = read(Kind.GIVEN, folder);
    if (images.isEmpty()) {
      throw CommandFailure.usage("--images is " + folder + ", in which no file ends in .png");
    }
    return images;
  }

  private static List<BenchImage> read(Kind kind, Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> entries = Files.list(folder)) {
      files =
          entries
              .filter(file -> file.toString().endsWith(".png") && Files.isRegularFile(file))
              .sorted()
              .toList();
    }
    List<BenchImage> images = new ArrayList<>();
    for (Path file : files) {
      images.add(new BenchImage(kind, file.toAbsolutePath(), Files.readAllBytes(file)));
    }
    return images;
  }

  private boolean isGrey1024() {
    ByteBuffer header = ByteBuffer.wrap(bytes);
    return bytes.length > HEADER_BYTES
        && header.getInt(16) == SIDE_PIXELS
        && header.getInt(20) == SIDE_PIXELS
        && header.get(24) == 8
        && header.get(25) == 0;
  }
}
