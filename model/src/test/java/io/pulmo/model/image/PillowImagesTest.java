package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.image.RandomPng.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thousands of random files, as Pillow and torchvision decode, resize and crop them in the same
 * run, against what Pulmo makes of them: the same bytes.
 */
class PillowImagesTest {
  private static final int PNG_FILES = 2_000;
  private static final int JPEG_FILES = 1_000;
  private static final int MOST_SIDE = 2_000;
  private static final int MOST_RATIO = 20;

  /** One file in so many has a side of the full length. */
  private static final int LONG_ONE_IN = 100;

  private static final long SEED = 20_261_124;

  /** Bytes of the image as they are: no mean, and one step a level. */
  private final Preprocessing bytes =
      new Preprocessing(256, 224, List.of(0f, 0f, 0f), List.of(1 / 255f, 1 / 255f, 1 / 255f));

  private final ImagePipeline pipeline = new ImagePipeline(bytes);
  private final float[] crops = new float[Preprocessing.CROPS * bytes.cropSize()];

  @TempDir private Path folder = Path.of("");

  @Test
  void pngFiles_ofAllKinds_becomePillowsBytes() throws Exception {
    String python = python();
    SplittableRandom random = new SplittableRandom(SEED);
    // Of 16-bit grey Pillow clips the values at 255, which makes a white image of an X-ray.
    List<Kind> kinds =
        RandomPng.KINDS.stream().filter(k -> k.colour() != 0 || k.bits() < 16).toList();
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < PNG_FILES; i++) {
      Kind kind = kinds.get(i % kinds.size());
      int[] size = size(random, MOST_SIDE, i);
      String name = "%04d-%d-%d-%s.png".formatted(i, kind.colour(), kind.bits(), kind.interlaced());
      files.add(folder.resolve(name));
      Files.write(files.getLast(), new RandomPng(random, kind, size[0], size[1]).file());
    }
    compare(python, files);
  }

  @Test
  void jpegFiles_ofAllKinds_becomePillowsBytes() throws Exception {
    String python = python();
    SplittableRandom random = new SplittableRandom(SEED + 1);
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < JPEG_FILES; i++) {
      int[] size = size(random, MOST_SIDE / 4, i);
      TestJpeg jpeg = TestJpeg.draw(random, size[0], size[1]);
      files.add(folder.resolve("%04d-%s.jpg".formatted(i, jpeg)));
      Files.write(files.getLast(), jpeg.file(random));
    }
    compare(python, files);
  }

  @Test
  void radiographs_asPngAndJpeg_becomePillowsBytes() throws Exception {
    String python = python();
    List<Path> files = new ArrayList<>();
    try (var all = Files.list(SharedData.required("data/xrays"))) {
      all.filter(f -> f.toString().endsWith(".png")).sorted().forEach(files::add);
    }
    assertTrue(files.size() >= 3, () -> "only " + files);
    for (Path png : List.copyOf(files)) {
      Pixels grey = ImageDecoder.decode(Files.readAllBytes(png));
      assertEquals(1, grey.channels(), png.toString());
      for (float quality : new float[] {0.3f, 0.75f, 0.95f, 1f}) {
        for (boolean progressive : new boolean[] {false, true}) {
          TestJpeg jpeg =
              new TestJpeg(grey.width(), grey.height(), 1, 1, 1, progressive, quality, 0);
          files.add(folder.resolve(files.size() + ".jpg"));
          Files.write(files.getLast(), jpeg.file(grey.values()));
        }
      }
    }
    compare(python, files);
  }

  /** The interpreter in which Pillow and torchvision are. */
  private static String python() {
    String python = System.getProperty("pulmo.peers");
    Assumptions.assumeTrue(
        python != null && !python.isEmpty(),
        "skipped: no Pillow to compare with; give -Dpulmo.peers=PYTHON, one that has torchvision");
    return Objects.requireNonNull(python);
  }

  /** A long side from 1 up, small ones as likely as large, and a short one as that allows. */
  private static int[] size(SplittableRandom random, int most, int i) {
    int longer =
        i % LONG_ONE_IN == 0 ? most : (int) Math.exp(random.nextDouble() * Math.log(most + 1.0));
    double ratio = Math.exp(random.nextDouble() * Math.log(MOST_RATIO));
    int shorter = Math.max(Math.ceilDiv(longer, MOST_RATIO), (int) (longer / ratio));
    return random.nextBoolean() ? new int[] {longer, shorter} : new int[] {shorter, longer};
  }

  private void compare(String python, List<Path> files) throws Exception {
    Path script = folder.resolve("pillow_digests.py");
    try (InputStream in =
        Objects.requireNonNull(PillowImagesTest.class.getResourceAsStream("pillow_digests.py"))) {
      Files.copy(in, script);
    }
    Path list = folder.resolve("files.txt");
    Files.write(list, files.stream().map(Path::toString).toList());
    Path errors = folder.resolve("errors.txt");
    ProcessBuilder builder = new ProcessBuilder(python, script.toString());
    builder.environment().put("OMP_NUM_THREADS", "1");
    Process process = builder.redirectInput(list.toFile()).redirectError(errors.toFile()).start();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (Path file : files) {
        String line = lines.readLine();
        assertTrue(line != null, () -> "Pillow ended before " + file + ": " + text(errors));
        assertEquals(line, pulmo(file), "Pillow's answer, and Pulmo's");
      }
      assertEquals(null, lines.readLine());
      assertEquals(0, process.waitFor(), () -> text(errors));
    } finally {
      process.destroy();
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** The line that the script would print. */
  private String pulmo(Path file) throws IOException, NoSuchAlgorithmException {
    byte[] read = Files.readAllBytes(file);
    try {
      Pixels decoded = ImageDecoder.decode(read);
      Pixels resized = pipeline.resized(read);
      pipeline.tenCrops(resized, crops, 0);
      byte[] cropped = new byte[crops.length];
      for (int i = 0; i < crops.length; i++) {
        cropped[i] = (byte) Math.round(crops[i]);
      }
      CRC32 check = new CRC32();
      check.update(cropped);
      return String.join(
          "\t",
          file.toString(),
          Integer.toString(decoded.width()),
          Integer.toString(decoded.height()),
          sha256(decoded),
          Integer.toString(resized.width()),
          Integer.toString(resized.height()),
          sha256(resized),
          Long.toString(check.getValue()));
    } catch (UnreadableImageException e) {
      return file + "\t" + e.getMessage();
    }
  }

  private static String sha256(Pixels pixels) throws NoSuchAlgorithmException {
    byte[] rgb = pixels.values();
    if (pixels.channels() == 1) {
      rgb = new byte[3 * pixels.values().length];
      for (int i = 0; i < rgb.length; i++) {
        rgb[i] = pixels.values()[i / 3];
      }
    }
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(rgb));
  }
}
