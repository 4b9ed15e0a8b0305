package io.pulmo.cli;

import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.export.BundleExporter;
import io.pulmo.export.IntegerModel;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.net.DenseNet;
import io.pulmo.worker.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(name = "export", description = "Makes a bundle of a checkpoint or of PyTorch's weights.")
final class ExportCommand implements Callable<Integer> {
  @ParentCommand private @Nullable Pulmo pulmo;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE|DIR",
      required = true,
      description = {
        "a checkpoint, or the folder of a job's checkpoints: the newest of it;",
        "or weights from elsewhere, .pth, .pth.tar, .pt or .safetensors"
      })
  private Path checkpoint = Path.of("");

  @Option(
      names = "--out",
      paramLabel = "BUNDLE",
      required = true,
      description = "the bundle's folder, new: NAME/VERSION, or NAME for version 1")
  private Path out = Path.of("");

  @Mixin private final CalibrationOptions calibration = new CalibrationOptions();

  /** A model's name and version, as the repository's folders tell them. */
  private record Named(String name, long version) {}

  @Override
  public Integer call() throws Exception {
    Checkpoint read = Checkpoint.readWeights(checkpoint);
    Named named = named(out.toAbsolutePath().normalize());
    Preprocessing preprocessing = read.preset().preprocessing();
    Optional<IntegerModel> integers =
        calibration.quantize(read.weights(), preprocessing, Objects.requireNonNull(pulmo).quiet());
    try (DenseNet reference =
        DenseNet.create(read.preset().network(), Runtime.getRuntime().availableProcessors())) {
      reference.load(read.weights());
      Map<String, String> provenance = new LinkedHashMap<>(read.metadata());
      String name = read.file().getFileName().toString();
      provenance.put("checkpoint", name);
      provenance.put("sha256 of " + name, Sha256.of(read.file()));
      Bundle bundle =
          new BundleExporter(Clock.systemUTC())
              .export(
                  out,
                  new BundleExporter.Request(
                      named.name(),
                      named.version(),
                      read.weights(),
                      preprocessing,
                      provenance,
                      crops ->
                          reference.studyProbabilities(
                              crops, 1, Preprocessing.CROPS, preprocessing.cropPixels()),
                      integers));
      System.out.println(
          named.name() + " " + named.version() + " in " + out + ", digest " + bundle.digest());
      if (integers.isEmpty()) {
        System.out.println(
            "no int8 in it: give images of the kind that it will judge with --calibration DIR");
      }
    }
    return ExitCode.DONE;
  }

  private static Named named(Path folder) {
    String last = String.valueOf(folder.getFileName());
    Path parent = folder.getParent();
    return last.matches("[1-9][0-9]{0,8}") && parent != null && parent.getFileName() != null
        ? new Named(parent.getFileName().toString(), Long.parseLong(last))
        : new Named(last, 1);
  }
}
