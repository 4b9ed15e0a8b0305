package io.pulmo.model.bundle;

import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * A folder with everything that serving needs of a model, checked against its manifest when opened.
 *
 * @param folder where it is
 * @param manifest what it says of itself
 * @param digest SHA-256 of {@code manifest.json}, which names every other file's; in hexadecimal
 */
public record Bundle(Path folder, Manifest manifest, String digest) {
  /** The file that lists all others. */
  public static final String MANIFEST = "manifest.json";

  /** The network for OpenVINO, in float32. */
  public static final String ONNX = "fp32.onnx";

  /** The network for OpenVINO in 8-bit integers, for processors that add products in 32 bits. */
  public static final String INT8_FULL = "int8-full.onnx";

  /** The same with weights that other processors can multiply without clipping sums. */
  public static final String INT8_HALF = "int8-half.onnx";

  /** The self-test of either, with float32's answers and a tolerance for rounding. */
  public static final String INT8_SELF_TEST = "int8-selftest.json";

  /** The network's weights by torchvision's names. */
  public static final String WEIGHTS = "weights.safetensors";

  /** What the network answers to a drawn image. */
  public static final String SELF_TEST = "selftest.json";

  /** Who computed which steps of the training that the weights come from, if one is known. */
  public static final String LEDGER = "ledger.json";

  /** Longest manifest or self-test that is read. */
  static final int LONGEST_JSON_BYTES = 1 << 20;

  /**
   * Reads the manifest and compares size and SHA-256 of every file it lists.
   *
   * @throws BundleException naming the file that is missing, altered, truncated or not understood
   * @throws IOException if the disk fails
   */
  public static Bundle open(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new BundleException(
          folder
              + " is no folder, expected a bundle; export one with: pulmo export --out "
              + folder);
    }
    Path file = folder.resolve(MANIFEST);
    byte[] json = readJson(file);
    Manifest manifest = Manifest.parse(file.toString(), json);
    for (FileEntry entry : manifest.files()) {
      verify(folder.resolve(entry.path()), entry);
    }
    return new Bundle(folder, manifest, Sha256.of(json));
  }

  /**
   * The path of a file that the manifest lists.
   *
   * @throws BundleException if it lists no such file
   */
  public Path file(String name) throws BundleException {
    if (manifest.files().stream().noneMatch(entry -> entry.path().equals(name))) {
      throw new BundleException(
          folder.resolve(MANIFEST)
              + ": files lists no '"
              + name
              + "'; export the bundle again with this release");
    }
    return folder.resolve(name);
  }

  /** Whether it has the network in integers: it was calibrated when it was exported. */
  public boolean hasInt8() {
    return manifest.files().stream().anyMatch(entry -> entry.path().equals(INT8_HALF));
  }

  /** The self-test. */
  public SelfTest selfTest() throws IOException {
    return selfTest(SELF_TEST);
  }

  /**
   * The self-test of the network in integers.
   *
   * @throws BundleException if it has none
   */
  public SelfTest int8SelfTest() throws IOException {
    return selfTest(INT8_SELF_TEST);
  }

  private SelfTest selfTest(String name) throws IOException {
    Path file = file(name);
    return SelfTest.parse(file.toString(), readJson(file));
  }

  /**
   * The weights.
   *
   * @throws io.pulmo.model.weights.WeightsFileException if the file is malformed or another
   *     network's
   */
  public Weights weights() throws IOException {
    return WeightsFile.read(file(WEIGHTS), manifest.network());
  }

  private static void verify(Path file, FileEntry entry) throws IOException {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new BundleException(
          file + " is missing, expected " + entry.bytes() + " bytes; copy the bundle again");
    }
    long bytes = Files.size(file);
    if (bytes != entry.bytes()) {
      throw new BundleException(
          "%s has %d bytes, expected %d; copy the bundle again"
              .formatted(file, bytes, entry.bytes()));
    }
    String sha256 = Sha256.of(file);
    if (!sha256.equals(entry.sha256())) {
      throw new BundleException(
          "%s was altered: its SHA-256 is %s, expected %s; copy the bundle again"
              .formatted(file, sha256, entry.sha256()));
    }
  }

  private static byte[] readJson(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new BundleException(
          file + " is missing; expected a bundle's; copy or export the bundle again");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] json = in.readNBytes(LONGEST_JSON_BYTES + 1);
      if (json.length > LONGEST_JSON_BYTES) {
        throw new BundleException(
            file + " is too long, expected at most " + LONGEST_JSON_BYTES + " bytes");
      }
      return json;
    }
  }
}
