package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.model.network.Preset;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.WeightRange;
import io.pulmo.serving.repository.LoadedModel;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "modes",
    description =
        "Seconds a study of ten crops in torch, fp32 and int8, on all cores; or the search for how to spread them.")
final class ModesCommand implements Callable<Integer> {
  private static final int ROUNDS = 7;

  @ParentCommand private @Nullable Bench bench;

  @Option(
      names = "--bundle",
      paramLabel = "DIR",
      description = "what is measured (default: one of random weights)")
  private Optional<Path> folder = Optional.empty();

  @Option(
      names = "--preset",
      paramLabel = "small|chexnet",
      defaultValue = "chexnet",
      description = "the network of random weights (default: ${DEFAULT-VALUE})")
  private String preset = "";

  @Option(
      names = "--end-to-end",
      description = "from the bytes of PNG files of 1024 pixels to the findings")
  private boolean endToEnd;

  @Option(names = "--peers", description = "in turns with PyTorch, OpenVINO for Python and NNCF")
  private boolean peers;

  @Option(
      names = "--tune",
      description =
          "search for the best spread of the bundle's studies over this machine, a minute or two, and keep it beside the bundle, where serving finds it")
  private boolean tune;

  @Option(names = "--json", paramLabel = "FILE", description = "the figures for programs")
  private Optional<Path> json = Optional.empty();

  @Option(names = "--events", paramLabel = "FILE", description = "every time that was taken")
  private Optional<Path> events = Optional.empty();

  @Override
  public Integer call() throws Exception {
    if (tune && (folder.isEmpty() || peers || endToEnd || events.isPresent())) {
      throw CommandFailure.usage(
          "--tune is given "
              + (folder.isEmpty() ? "without --bundle" : "with an option of measuring")
              + ", expected --tune --bundle DIR [--json FILE]");
    }
    Preset network = presetOf(preset);
    BackendOptions options = BackendOptions.ofThisMachine();
    try (TemporaryFolder work = TemporaryFolder.create("pulmo-bench-")) {
      say("drawing radiographs");
      List<BenchImage> images = BenchImage.generate(work.path());
      Bundle bundle;
      if (folder.isPresent()) {
        bundle = Bundle.open(folder.get());
      } else {
        say("making a bundle of random weights");
        bundle =
            RandomBundle.make(
                work.path().resolve("bundle"),
                network,
                crops(images, network.preprocessing()),
                options.threads());
      }
      List<float[]> crops = crops(images, bundle.manifest().preprocessing());
      if (tune) {
        new ModesTune(bundle, options, crops.getFirst(), quiet()).run(json);
        return ExitCode.DONE;
      }
      Path file = events.orElse(work.path().resolve("events"));
      try (EventsFile out = EventsFile.create(file);
          LoadedModel model =
              LoadedModel.openRunnable(
                  bundle, EnumSet.allOf(Mode.class), ImageLimits.DEFAULTS, options)) {
        measure(model, bundle, images, crops, options, out, work.path());
      }
      ModesFigures figures = ModesVerifier.figures(file);
      System.out.print(figures.text());
      if (json.isPresent()) {
        JsonFile.write(json.get(), figures.json());
      }
    }
    return ExitCode.DONE;
  }

  private void measure(
      LoadedModel model,
      Bundle bundle,
      List<BenchImage> images,
      List<float[]> crops,
      BackendOptions options,
      EventsFile out,
      Path work)
      throws IOException, InterruptedException {
    if (!peers) {
      measure(new ModesBench(model, images, crops, Optional.empty(), endToEnd, out), options);
      return;
    }
    say("loading the peers and quantizing with NNCF");
    Optional<WeightRange> range =
        model.modes().contains(Mode.INT8) ? model.weightRange(Mode.INT8) : Optional.empty();
    try (PeerScript script = PeerScript.start("modes.py", options.threads());
        ModesPeer peer =
            ModesPeer.timed(
                script,
                bundle,
                images,
                write(crops, work.resolve("crops")),
                range,
                options.threads(),
                endToEnd)) {
      measure(new ModesBench(model, images, crops, Optional.of(peer), endToEnd, out), options);
    }
  }

  private void measure(ModesBench measuring, BackendOptions options)
      throws IOException, InterruptedException {
    try (Progress progress = Progress.start("rounds", " rounds", ROUNDS + 1, quiet())) {
      measuring.run(ROUNDS, options, progress::at);
    }
  }

  /** The network that an option names. */
  static Preset presetOf(String label) {
    return Arrays.stream(Preset.values())
        .filter(preset -> preset.label().equals(label))
        .findFirst()
        .orElseThrow(
            () -> CommandFailure.usage("--preset is '" + label + "', expected small or chexnet"));
  }

  private static List<float[]> crops(List<BenchImage> images, Preprocessing preprocessing) {
    ImagePipeline pipeline = new ImagePipeline(preprocessing);
    List<float[]> all = new ArrayList<>();
    for (BenchImage image : images) {
      float[] crops = new float[Preprocessing.CROPS * preprocessing.cropSize()];
      try {
        pipeline.tenCrops(pipeline.resized(image.bytes()), crops, 0);
      } catch (UnreadableImageException e) {
        throw CommandFailure.work(image.file() + ": " + e.getMessage());
      }
      all.add(crops);
    }
    return all;
  }

  /** Writes crops as the peer reads them: float32, little-endian, one after the other. */
  static Path write(List<float[]> crops, Path file) throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
      for (float[] study : crops) {
        ByteBuffer bytes =
            ByteBuffer.allocate(study.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(study);
        out.write(bytes.array());
      }
    }
    return file;
  }

  private boolean quiet() {
    return Objects.requireNonNull(bench).quiet();
  }

  private void say(String what) {
    if (!quiet()) {
      System.err.println("pulmo: " + what);
    }
  }
}
