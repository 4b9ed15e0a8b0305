package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.cli.terminal.Table;
import io.pulmo.export.CalibrationCrops;
import io.pulmo.model.Findings;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.metric.AucReport;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.repository.LoadedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "accuracy",
    description =
        "What int8 costs on labelled images: a bundle's, and that of the model that NNCF makes of the same weights and calibration images.")
final class AccuracyCommand implements Callable<Integer> {
  /** What the peer judges between two signs of progress. */
  private static final int PEERS_IMAGES = 16;

  @ParentCommand private @Nullable Bench bench;

  @Option(names = "--bundle", paramLabel = "DIR", required = true, description = "with int8")
  private Path folder = Path.of("");

  @Option(
      names = "--images",
      paramLabel = "DIR",
      required = true,
      description = "the folder of the images to judge")
  private Path images = Path.of("");

  @Option(names = "--labels", paramLabel = "LIST", required = true, description = "their labels")
  private Path labels = Path.of("");

  @Option(
      names = "--calibration",
      paramLabel = "DIR",
      required = true,
      description = "the folder of the images that calibrated the bundle")
  private Path calibration = Path.of("");

  @Option(
      names = "--calibration-labels",
      paramLabel = "LIST",
      required = true,
      description = "the label list that export had; of its images NNCF takes the same crops")
  private Path calibrationLabels = Path.of("");

  @Option(
      names = "--samples",
      paramLabel = "N",
      defaultValue = "300",
      description = "how many of them export had (default: ${DEFAULT-VALUE})")
  private int samples;

  @Option(names = "--peers", required = true, description = "needed: NNCF is one of them")
  @SuppressWarnings("UnusedVariable") // the launcher acts on it
  private boolean peers;

  @Option(names = "--json", paramLabel = "FILE", description = "the figures for programs")
  private Optional<Path> json = Optional.empty();

  /** Fourteen probabilities of each image, from one of the two. */
  private record Row(String name, List<float[]> answers) {
    double auc(LabelList list) {
      return AucReport.of(answers.stream().map(Findings::new).toList(), list).mean();
    }

    double meanDifference(Row other) {
      double sum = 0;
      int count = 0;
      for (int i = 0; i < answers.size(); i++) {
        for (int f = 0; f < answers.get(i).length; f++) {
          sum += Math.abs((double) answers.get(i)[f] - other.answers.get(i)[f]);
          count++;
        }
      }
      return sum / count;
    }
  }

  @Override
  public Integer call() throws Exception {
    if (samples < 1) {
      throw CommandFailure.usage("--samples is " + samples + ", expected 1 or more");
    }
    LabelList list = LabelList.read(labels);
    List<Path> files = files(images, list);
    List<Path> calibrating =
        CalibrationCrops.spread(files(calibration, LabelList.read(calibrationLabels)), samples);
    Bundle bundle = Bundle.open(folder);
    BackendOptions options = BackendOptions.ofThisMachine();
    List<Row> rows = new ArrayList<>();
    try (LoadedModel model =
        LoadedModel.open(bundle, EnumSet.allOf(Mode.class), ImageLimits.DEFAULTS, options)) {
      for (Mode mode : model.modes()) {
        try (Progress progress = progress(mode.label(), files)) {
          rows.add(
              new Row(
                  "pulmo " + mode.label(),
                  model.judgeAll(files, mode, progress::at).stream()
                      .map(Findings::probabilities)
                      .toList()));
        }
      }
    }
    String tools = addPeer(rows, bundle, files, calibrating, options);
    print(rows, list, options, tools);
    return ExitCode.DONE;
  }

  private static List<Path> files(Path folder, LabelList list) {
    return IntStream.range(0, list.size()).mapToObj(i -> folder.resolve(list.name(i))).toList();
  }

  private Progress progress(String what, List<Path> files) {
    return Progress.start(what, " studies", files.size(), Objects.requireNonNull(bench).quiet());
  }

  private String addPeer(
      List<Row> rows,
      Bundle bundle,
      List<Path> files,
      List<Path> calibrating,
      BackendOptions options)
      throws IOException {
    try (PeerScript script = PeerScript.start("modes.py", options.threads());
        ModesPeer peer =
            ModesPeer.judging(
                script, bundle, calibrating, options.weightRange(), options.threads());
        Progress progress = progress("peer int8", files)) {
      List<float[]> answers = new ArrayList<>();
      while (answers.size() < files.size()) {
        int end = Math.min(files.size(), answers.size() + PEERS_IMAGES);
        answers.addAll(peer.judge(ModesEvent.Mode.INT8, files.subList(answers.size(), end)));
        progress.at(answers.size());
      }
      rows.add(new Row("peer int8", answers));
      return peer.tools();
    }
  }

  private void print(List<Row> rows, LabelList list, BackendOptions options, String tools)
      throws IOException {
    Row exact =
        rows.stream().filter(row -> row.name.equals("pulmo fp32")).findFirst().orElseThrow();
    Table table = new Table("", "mean AUC", "mean |dp| to pulmo's fp32");
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("images", list.size());
    figures.put("cpu", options.processor().name());
    figures.put("weights", options.weightRange().label());
    figures.put("tools", tools);
    for (Row row : rows) {
      double auc = row.auc(list);
      double difference = row.meanDifference(exact);
      table.row(
          row.name,
          String.format(Locale.ROOT, "%.5f", auc),
          String.format(Locale.ROOT, "%.2g", difference));
      String key = row.name.replace(' ', '_');
      figures.put(key + "_auc", JsonFile.number(auc));
      figures.put(key + "_mean_abs_dp", difference);
    }
    System.out.println(
        list.size()
            + " images, int8 with "
            + options.weightRange().label()
            + " weights, on "
            + options.processor().name());
    System.out.println("peer: " + tools);
    System.out.print(table);
    if (json.isPresent()) {
      JsonFile.write(json.get(), figures);
    }
  }
}
