package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.export.Calibration;
import io.pulmo.export.CalibrationCrops;
import io.pulmo.export.FallBack;
import io.pulmo.export.FoldedNetwork;
import io.pulmo.export.IntegerModel;
import io.pulmo.export.Quantizer;
import io.pulmo.export.Sensitivity;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.weights.Weights;
import io.pulmo.openvino.Core;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options by which a bundle gets its network in integers. */
final class CalibrationOptions {
  /** Some twenty tell a network's parts apart. */
  private static final int SENSITIVITY_CROPS = 20;

  @Option(
      names = "--calibration",
      paramLabel = "DIR",
      description = "a folder of images like those to judge: by them the bundle gets int8")
  private Optional<Path> folder = Optional.empty();

  @Option(
      names = "--labels",
      paramLabel = "LIST",
      description = "a label list: only its images are taken from DIR")
  private Optional<Path> labels = Optional.empty();

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "calibrate on so many of the images (${DEFAULT-VALUE})")
  private int samples = 300;

  @Option(
      names = "--max-auc-drop",
      paramLabel = "D",
      description = "put the worst layers back to float32 until int8's mean AUC falls by no more")
  private Optional<Double> mostAucDrop = Optional.empty();

  @Option(
      names = "--max-mean-dp",
      paramLabel = "D",
      description = "the same until the probabilities move by no more than this in the mean")
  private Optional<Double> mostMeanDifference = Optional.empty();

  @Option(
      names = "--sensitivity",
      paramLabel = "FILE",
      description = "write what each layer costs in int8, as JSON; takes minutes")
  private Optional<Path> sensitivity = Optional.empty();

  @Mixin private final ImageLimitOptions limits = new ImageLimitOptions();

  /** What a fall-back is judged by. */
  private record Bound(FallBack.Cost cost, double most, String what) {}

  /** The network in integers; nothing without images to calibrate it with. */
  Optional<IntegerModel> quantize(Weights weights, Preprocessing preprocessing, boolean quiet)
      throws IOException, LabelListException {
    if (folder.isEmpty()) {
      requireFolder();
      return Optional.empty();
    }
    if (samples < 1) {
      throw CommandFailure.usage("--samples is " + samples + ", expected 1 or more");
    }
    Optional<LabelList> list =
        labels.isPresent() ? Optional.of(LabelList.read(labels.get())) : Optional.empty();
    Optional<Bound> bound = bound(list);
    List<Path> images = images(folder.get(), list);
    ImagePipeline pipeline = new ImagePipeline(preprocessing, limits.limits());
    try (Core core = Core.create()) {
      Calibration calibrated = calibrate(core, weights, preprocessing, pipeline, images, quiet);
      if (sensitivity.isPresent()) {
        report(sensitivity.get(), core, calibrated, pipeline, images, quiet);
      }
      Set<String> keepFloat = Set.of();
      if (bound.isPresent()) {
        keepFloat = fallBack(core, calibrated, pipeline, images, bound.get(), quiet);
      }
      return Optional.of(IntegerModel.of(core, calibrated, preprocessing, keepFloat));
    } catch (UncheckedIOException e) {
      throw Objects.requireNonNull(e.getCause());
    }
  }

  private void requireFolder() {
    if (labels.isPresent()
        || mostAucDrop.isPresent()
        || mostMeanDifference.isPresent()
        || sensitivity.isPresent()) {
      throw CommandFailure.usage(
          "--labels, --max-auc-drop, --max-mean-dp and --sensitivity are about int8: give --calibration DIR too");
    }
  }

  private Optional<Bound> bound(Optional<LabelList> list) {
    if (mostAucDrop.isPresent() && mostMeanDifference.isPresent()) {
      throw CommandFailure.usage("--max-auc-drop and --max-mean-dp are both given, expected one");
    }
    if (mostAucDrop.isPresent()) {
      LabelList labelled =
          list.orElseThrow(
              () ->
                  CommandFailure.usage(
                      "--max-auc-drop needs labels: give --labels LIST, or bound --max-mean-dp"));
      return Optional.of(
          new Bound(
              FallBack.Cost.aucDrop(labelled, Preprocessing.CROPS),
              notNegative("--max-auc-drop", mostAucDrop.get()),
              "mean AUC falls by"));
    }
    return mostMeanDifference.map(
        most ->
            new Bound(
                FallBack.Cost.meanDifference(),
                notNegative("--max-mean-dp", most),
                "mean |dp| is"));
  }

  private static double notNegative(String option, double value) {
    if (!(value >= 0)) {
      throw CommandFailure.usage(option + " is " + value + ", expected 0 or more");
    }
    return value;
  }

  private static List<Path> images(Path folder, Optional<LabelList> list) throws IOException {
    if (list.isPresent()) {
      LabelList names = list.get();
      return IntStream.range(0, names.size()).mapToObj(i -> folder.resolve(names.name(i))).toList();
    }
    if (!Files.isDirectory(folder)) {
      throw CommandFailure.work("--calibration is " + folder + ", expected a folder of images");
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> images =
          files.filter(file -> ImageNames.isImage(file.getFileName().toString())).sorted().toList();
      if (images.isEmpty()) {
        throw CommandFailure.work(
            "--calibration is " + folder + ", which has no .png, .jpg or .jpeg file");
      }
      return images;
    }
  }

  private Calibration calibrate(
      Core core,
      Weights weights,
      Preprocessing preprocessing,
      ImagePipeline pipeline,
      List<Path> images,
      boolean quiet)
      throws IOException {
    List<Path> chosen = CalibrationCrops.spread(images, samples);
    try (Progress progress = Progress.start("calibrating", " crops", chosen.size(), quiet)) {
      return Calibration.measure(
          core,
          FoldedNetwork.of(weights),
          preprocessing.cropPixels(),
          CalibrationCrops.oneOfEach(pipeline, chosen).iterator(),
          progress::at);
    }
  }

  private static void report(
      Path file,
      Core core,
      Calibration calibrated,
      ImagePipeline pipeline,
      List<Path> images,
      boolean quiet)
      throws IOException {
    int parts = new Quantizer(calibrated).parts().size();
    try (Progress progress = Progress.start("sensitivity", " layers", parts, quiet)) {
      Sensitivity measured =
          Sensitivity.measure(core, calibrated, few(pipeline, images), progress::at);
      JsonFile.write(
          file,
          Map.of(
              "layers",
              measured.parts().stream()
                  .map(
                      cost -> {
                        Map<String, Object> row = new LinkedHashMap<>();
                        row.put("name", cost.part());
                        row.put("mean_dp", cost.meanDifference());
                        return row;
                      })
                  .toList()));
    }
  }

  private static Set<String> fallBack(
      Core core,
      Calibration calibrated,
      ImagePipeline pipeline,
      List<Path> images,
      Bound bound,
      boolean quiet)
      throws IOException {
    int parts = new Quantizer(calibrated).parts().size();
    try (Progress progress = Progress.start("sensitivity", " layers", parts, quiet)) {
      FallBack found =
          FallBack.search(
              core,
              calibrated,
              CalibrationCrops.tenOfEach(pipeline, images),
              few(pipeline, images),
              bound.cost(),
              bound.most(),
              progress::at);
      System.out.printf(
          Locale.ROOT,
          "%s %.6f with all layers in int8, %.6f with %d of %d in float32%s%n",
          bound.what(),
          found.before(),
          found.after(),
          found.keepFloat().size(),
          parts,
          found.keepFloat().isEmpty() ? "" : ": " + String.join(", ", found.keepFloat()));
      return found.keepFloat();
    }
  }

  private static CalibrationCrops few(ImagePipeline pipeline, List<Path> images) {
    return CalibrationCrops.oneOfEach(pipeline, CalibrationCrops.spread(images, SENSITIVITY_CROPS));
  }
}
