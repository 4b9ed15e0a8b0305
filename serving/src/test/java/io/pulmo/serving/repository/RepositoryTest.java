package io.pulmo.serving.repository;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.export.onnx.ModelProto;
import io.pulmo.export.onnx.ValueInfoProto;
import io.pulmo.model.Finding;
import io.pulmo.model.Findings;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleException;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.network.Preset;
import io.pulmo.openvino.OpenVinoNatives;
import io.pulmo.serving.TestImages;
import io.pulmo.serving.TestModels;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.BackendUnavailableException;
import io.pulmo.serving.backend.ExecutionPlan;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.Processor;
import io.pulmo.serving.backend.Tuning;
import io.pulmo.serving.backend.WeightRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RepositoryTest {
  private static final Set<Mode> TORCH = Set.of(Mode.TORCH);

  @SuppressWarnings("NullAway.Init") // JUnit sets it
  @TempDir
  Path folder;

  @BeforeAll
  static void natives() {
    TestModels.assumeOpenVino();
  }

  private static String messageOf(Throwable thrown) {
    return String.valueOf(thrown.getMessage());
  }

  /** The forward pass of the network in Torch and the exported ONNX on OpenVINO are one. */
  @ParameterizedTest
  @EnumSource(Preset.class)
  void judge_randomImages_torchAndOpenVinoAgree(Preset preset) throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("b"), preset, 7);
    float lowest = 1;
    float highest = 0;
    try (LoadedModel model = LoadedModel.open(bundle, EnumSet.of(Mode.FP32, Mode.TORCH))) {
      for (int seed = 0; seed < 5; seed++) {
        byte[] image = TestImages.png(seed);
        Findings torch = model.judge(image, Mode.TORCH);
        Findings fp32 = model.judge(image, Mode.FP32);
        for (Finding finding : Finding.ALL) {
          assertEquals(torch.of(finding), fp32.of(finding), 1e-4f, finding.label());
          lowest = Math.min(lowest, torch.of(finding));
          highest = Math.max(highest, torch.of(finding));
        }
      }
    }
    // Probabilities that are all 0 or 1 would agree whatever the network computes.
    assertTrue(
        lowest > 0.01f && highest < 0.99f && highest - lowest > 0.05f, lowest + " to " + highest);
  }

  @Test
  void open_int8_usesTheWeightsThatSuitTheProcessorOrThatAreForced() throws Exception {
    Bundle bundle =
        TestModels.withInt8(
            TestModels.bundle(folder.resolve("b"), Preset.SMALL, 7), folder.resolve("q"), 0.01f);
    assertEquals(WeightRange.FULL, opened(bundle, Set.of("avx512_vnni"), Optional.empty()));
    assertEquals(WeightRange.HALF, opened(bundle, Set.of("avx2"), Optional.empty()));
    assertEquals(WeightRange.FULL, opened(bundle, Set.of("avx2"), Optional.of(WeightRange.FULL)));
  }

  private static WeightRange opened(Bundle bundle, Set<String> flags, Optional<WeightRange> forced)
      throws Exception {
    BackendOptions options =
        new BackendOptions(new Processor("a", flags), forced, 2, Optional.empty());
    try (LoadedModel model =
        LoadedModel.open(bundle, EnumSet.of(Mode.FP32, Mode.INT8), ImageLimits.DEFAULTS, options)) {
      assertEquals(List.of(Mode.FP32, Mode.INT8), List.copyOf(model.modes()));
      assertEquals(Optional.empty(), model.weightRange(Mode.FP32));
      byte[] image = TestImages.png(3);
      assertEquals(
          model.judge(image, Mode.FP32).of(Finding.MASS),
          model.judge(image, Mode.INT8).of(Finding.MASS),
          1e-4f);
      return model.weightRange(Mode.INT8).orElseThrow();
    }
  }

  @Test
  void open_tuningFile_isUsedWhereItHoldsAndElseIgnored() throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("r/chest/1"), Preset.SMALL, 7);
    BackendOptions options =
        new BackendOptions(new Processor("a", Set.of()), Optional.empty(), 2, Optional.empty());
    ExecutionPlan measured = new ExecutionPlan(10, 1, 6, false);
    Tuning tuning =
        new Tuning(
            Tuning.FORMAT,
            bundle.digest(),
            "a",
            2,
            OpenVinoNatives.describe().version(),
            Map.of("fp32", measured));
    Path file = Tuning.fileOf(bundle);
    assertEquals(folder.resolve("r/chest/1.tuning.json"), file);
    assertEquals(2, parallelism(bundle, options));
    tuning.write(file);
    assertEquals(6, parallelism(bundle, options));
    assertEquals(
        2,
        parallelism(
            bundle,
            new BackendOptions(
                new Processor("b", Set.of()), Optional.empty(), 2, Optional.empty())));
    Files.writeString(file, "{");
    assertEquals(2, parallelism(bundle, options));
    try (Repository repository =
        Repository.open(
            folder.resolve("r"), Set.of(Mode.FP32), true, ImageLimits.DEFAULTS, options)) {
      assertEquals(1, repository.models().size());
    }
  }

  private static int parallelism(Bundle bundle, BackendOptions options) throws Exception {
    try (LoadedModel model =
        LoadedModel.open(bundle, Set.of(Mode.FP32), ImageLimits.DEFAULTS, options)) {
      return model.parallelism();
    }
  }

  @Test
  void open_int8FurtherOffThanItsOwnSelfTestAllows_isRefused() throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("b"), Preset.SMALL, 7);
    // Not even float32 in another order gives the very same bits.
    Bundle strict = TestModels.withInt8(bundle, folder.resolve("q"), 1e-12f);
    SelfTestException thrown =
        assertThrows(SelfTestException.class, () -> LoadedModel.open(strict, Set.of(Mode.INT8)));
    assertTrue(messageOf(thrown).contains("in int8 with "), messageOf(thrown));
    assertTrue(messageOf(thrown).contains("-range weights "), messageOf(thrown));
    LoadedModel.open(strict, Set.of(Mode.FP32)).close();
  }

  @Test
  void open_int8WithoutCalibration_saysHowToExport() throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("b"), Preset.SMALL, 7);
    BackendUnavailableException thrown =
        assertThrows(
            BackendUnavailableException.class, () -> LoadedModel.open(bundle, Set.of(Mode.INT8)));
    assertEquals(Mode.INT8, thrown.mode());
    assertEquals(
        "the bundle was exported without calibration images: export it again with --calibration",
        thrown.getMessage());
  }

  @Test
  void open_severalVersions_servesTheHighestOfEachName() throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("r/chest/9"), Preset.SMALL, 1);
    TestModels.bundle(folder.resolve("r/chest/10"), Preset.SMALL, 2);
    TestModels.bundle(folder.resolve("r/other/2"), Preset.SMALL, 3);
    Files.createDirectories(folder.resolve("r/chest/11")); // no manifest yet
    Files.createDirectories(folder.resolve("r/.chest.123/1"));
    try (Repository repository =
        Repository.open(
            folder.resolve("r"),
            TORCH,
            true,
            ImageLimits.DEFAULTS,
            BackendOptions.ofThisMachine())) {
      List<ModelIdentity> models = repository.models().stream().map(LoadedModel::identity).toList();
      assertEquals(2, models.size());
      assertEquals("chest", models.get(0).name());
      assertEquals(10, models.get(0).version());
      assertEquals("other", models.get(1).name());
      assertEquals(2, models.get(1).version());
    }
    try (Repository one =
        Repository.open(
            bundle.folder(), TORCH, true, ImageLimits.DEFAULTS, BackendOptions.ofThisMachine())) {
      assertEquals(
          List.of(new ModelIdentity("chest", 1, bundle.digest())),
          one.models().stream().map(LoadedModel::identity).toList());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Mode.class,
      names = {"FP32", "TORCH"})
  void open_selfTestFails_isRefusedWithFindingExpectedAndGot(Mode mode) throws Exception {
    float[] got = new float[1];
    Bundle bundle =
        TestModels.bundle(
            folder.resolve("b"),
            Preset.SMALL,
            1,
            probabilities -> {
              float[] twisted = probabilities.clone();
              got[0] = twisted[Finding.NODULE.ordinal()];
              twisted[Finding.NODULE.ordinal()] += got[0] < 0.5f ? 0.001f : -0.001f;
              return twisted;
            });
    SelfTestException thrown =
        assertThrows(SelfTestException.class, () -> LoadedModel.open(bundle, Set.of(mode)));
    String message = messageOf(thrown);
    assertTrue(message.contains(bundle.folder().toString()), message);
    assertTrue(message.contains("in " + mode.label() + " "), message);
    assertTrue(message.contains("for Nodule, expected "), message);
    assertTrue(message.contains(Float.toString(got[0]).substring(0, 5)), message);
  }

  @ParameterizedTest
  @EnumSource
  void open_fileAltered_isRefusedByName(Altered altered) throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("r/chest/1"), Preset.SMALL, 1);
    Path file = bundle.folder().resolve(altered.file);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    BundleException thrown =
        assertThrows(
            BundleException.class,
            () ->
                Repository.open(
                    folder.resolve("r"),
                    TORCH,
                    true,
                    ImageLimits.DEFAULTS,
                    BackendOptions.ofThisMachine()));
    assertTrue(messageOf(thrown).contains(altered.file), messageOf(thrown));
  }

  private enum Altered {
    ONNX(Bundle.ONNX),
    WEIGHTS(Bundle.WEIGHTS),
    SELF_TEST(Bundle.SELF_TEST);

    private final String file;

    Altered(String file) {
      this.file = file;
    }
  }

  /** A bundle whose hashes are right but whose model answers with the features. */
  @Test
  void open_modelOfSomethingElse_isRefusedByItsShape() throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("b"), Preset.SMALL, 1);
    Path file = bundle.file(Bundle.ONNX);
    ModelProto.Builder model = ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder();
    ValueInfoProto output = model.getGraph().getOutput(0).toBuilder().setName("flat").build();
    model.getGraphBuilder().setOutput(0, output.toBuilder().clearType());
    Files.write(file, model.build().toByteArray());
    List<FileEntry> files = new ArrayList<>();
    for (FileEntry entry : bundle.manifest().files()) {
      Path path = bundle.folder().resolve(entry.path());
      files.add(new FileEntry(entry.path(), Files.size(path), Sha256.of(path)));
    }
    Manifest old = bundle.manifest();
    Manifest manifest =
        new Manifest(
            old.format(),
            old.name(),
            old.version(),
            old.createdAt(),
            old.network(),
            old.preprocessing(),
            old.labels(),
            files,
            old.provenance());
    Files.write(bundle.folder().resolve(Bundle.MANIFEST), manifest.json());
    Bundle altered = Bundle.open(bundle.folder());
    BundleException thrown =
        assertThrows(BundleException.class, () -> LoadedModel.open(altered, EnumSet.of(Mode.FP32)));
    assertTrue(messageOf(thrown).contains(file + " answers in the shape ["), messageOf(thrown));
    assertTrue(messageOf(thrown).contains(", 14]; export it again"), messageOf(thrown));
  }

  @Test
  void open_noBundle_saysWhatIsExpected() {
    BundleException none =
        assertThrows(
            BundleException.class,
            () ->
                Repository.open(
                    folder, TORCH, true, ImageLimits.DEFAULTS, BackendOptions.ofThisMachine()));
    assertTrue(messageOf(none).contains("NAME/VERSION/manifest.json"), messageOf(none));
    Path missing = folder.resolve("missing");
    BundleException thrown =
        assertThrows(
            BundleException.class,
            () ->
                Repository.open(
                    missing, TORCH, true, ImageLimits.DEFAULTS, BackendOptions.ofThisMachine()));
    assertTrue(messageOf(thrown).contains(missing.toString()), messageOf(thrown));
  }

  @Test
  void judgeAll_files_keepsTheirOrder() throws Exception {
    Bundle bundle = TestModels.bundle(folder.resolve("b"), Preset.SMALL, 1);
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      files.add(Files.write(folder.resolve(i + ".png"), TestImages.png(i)));
    }
    AtomicInteger judged = new AtomicInteger();
    try (LoadedModel model = LoadedModel.open(bundle, EnumSet.of(Mode.FP32, Mode.TORCH))) {
      for (Mode mode : model.modes()) {
        judged.set(0);
        List<Findings> all = model.judgeAll(files, mode, done -> judged.incrementAndGet());
        for (int i = 0; i < 20; i++) {
          assertEquals(
              model.judge(TestImages.png(i), mode).of(Finding.MASS),
              all.get(i).of(Finding.MASS),
              1e-6f);
        }
        assertEquals(20, judged.get());
      }
      Path broken = Files.writeString(folder.resolve("broken.png"), "not an image");
      files.add(3, broken);
      IOException thrown =
          assertThrows(IOException.class, () -> model.judgeAll(files, Mode.FP32, done -> {}));
      assertTrue(messageOf(thrown).contains("broken.png"), messageOf(thrown));
      assertEquals(List.of(), model.judgeAll(List.of(), Mode.FP32, done -> {}));
    }
  }
}
