package io.pulmo.cli;

import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.cli.terminal.Table;
import io.pulmo.model.Finding;
import io.pulmo.model.Findings;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.metric.AucReport;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.WeightRange;
import io.pulmo.serving.repository.LoadedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "evaluate",
    description =
        "How good a bundle is on a label list: area under the ROC curve per disease and mode.")
final class EvaluateCommand implements Callable<Integer> {
  @ParentCommand private @Nullable Pulmo pulmo;
  @Mixin private final ModeOption modes = new ModeOption();
  @Mixin private final BackendChoice backends = new BackendChoice();
  @Mixin private final ImageLimitOptions limits = new ImageLimitOptions();

  @Option(names = "--bundle", paramLabel = "DIR", required = true)
  private Path bundle = Path.of("");

  @Option(names = "--labels", paramLabel = "LIST", required = true)
  private Path labels = Path.of("");

  @Option(
      names = "--images",
      paramLabel = "DIR",
      required = true,
      description = "the folder in which the list's images lie")
  private Path images = Path.of("");

  @Option(names = "--json", paramLabel = "FILE", description = "the table for programs")
  private Optional<Path> json = Optional.empty();

  /** One mode's result. */
  private record Row(
      Mode mode,
      Optional<WeightRange> weightRange,
      List<Findings> findings,
      AucReport report,
      double studiesPerSecond) {}

  @Override
  public Integer call() throws Exception {
    LabelList list = LabelList.read(labels);
    List<Path> files =
        IntStream.range(0, list.size()).mapToObj(i -> images.resolve(list.name(i))).toList();
    Bundle opened = Bundle.open(bundle);
    List<Row> rows = new ArrayList<>();
    try (LoadedModel model =
        modes.given()
            ? LoadedModel.open(opened, modes.modes(), limits.limits(), backends.options())
            : LoadedModel.openRunnable(
                opened, modes.modes(), limits.limits(), backends.options())) {
      model
          .unavailable()
          .forEach((mode, why) -> System.err.println("pulmo: no " + mode.label() + ": " + why));
      for (Mode mode : model.modes()) {
        rows.add(evaluate(model, mode, list, files));
      }
    }
    print(rows, list);
    if (json.isPresent()) {
      write(json.get(), rows, list);
    }
    return ExitCode.DONE;
  }

  private Row evaluate(LoadedModel model, Mode mode, LabelList list, List<Path> files)
      throws IOException, InterruptedException {
    try (Progress progress =
        Progress.start(
            mode.label(), " studies", files.size(), Objects.requireNonNull(pulmo).quiet())) {
      long startedNanos = System.nanoTime();
      List<Findings> findings = model.judgeAll(files, mode, progress::at);
      double seconds = (System.nanoTime() - startedNanos) / 1e9;
      return new Row(
          mode,
          model.weightRange(mode),
          findings,
          AucReport.of(findings, list),
          files.size() / seconds);
    }
  }

  private static void print(List<Row> rows, LabelList list) {
    List<String> heads = new ArrayList<>(List.of("disease", "positives"));
    rows.forEach(row -> heads.add("AUC " + row.mode().label()));
    Table table = new Table(heads.toArray(String[]::new));
    boolean undefined = false;
    for (Finding finding : Finding.ALL) {
      List<String> cells =
          new ArrayList<>(
              List.of(finding.label(), Long.toString(list.positives()[finding.ordinal()])));
      for (Row row : rows) {
        double auc = row.report().of(finding);
        undefined |= Double.isNaN(auc);
        cells.add(auc("%.3f", auc));
      }
      table.row(cells.toArray(String[]::new));
    }
    table.row(
        Stream.concat(
                Stream.of("mean", ""), rows.stream().map(row -> auc("%.4f", row.report().mean())))
            .toArray(String[]::new));
    table.row(
        Stream.concat(
                Stream.of("studies/s", ""),
                rows.stream().map(r -> String.format(Locale.ROOT, "%.1f", r.studiesPerSecond())))
            .toArray(String[]::new));
    if (rows.stream().anyMatch(row -> meanDifference(rows, row).isPresent())) {
      table.row(
          Stream.concat(
                  Stream.of("mean |dp| to fp32", ""),
                  rows.stream()
                      .map(
                          row ->
                              meanDifference(rows, row).stream()
                                  .mapToObj(mean -> String.format(Locale.ROOT, "%.2g", mean))
                                  .findFirst()
                                  .orElse("-")))
              .toArray(String[]::new));
    }
    System.out.print(table);
    rows.forEach(
        row ->
            row.weightRange()
                .ifPresent(
                    range ->
                        System.out.println(
                            row.mode().label() + " has " + range.label() + " weights")));
    if (undefined) {
      System.out.println(
          "- : not defined, for want of a positive or of a negative; left out of the mean");
    }
  }

  /** How far a mode's probabilities are from fp32's on average, where both were asked for. */
  private static OptionalDouble meanDifference(List<Row> rows, Row row) {
    Optional<Row> exact = rows.stream().filter(other -> other.mode() == Mode.FP32).findFirst();
    if (row.mode() == Mode.FP32 || exact.isEmpty() || row.findings().isEmpty()) {
      return OptionalDouble.empty();
    }
    double sum = 0;
    for (int i = 0; i < row.findings().size(); i++) {
      for (Finding finding : Finding.ALL) {
        sum +=
            Math.abs(row.findings().get(i).of(finding) - exact.get().findings().get(i).of(finding));
      }
    }
    return OptionalDouble.of(sum / row.findings().size() / Finding.COUNT);
  }

  private static String auc(String format, double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
  }

  private static void write(Path file, List<Row> rows, LabelList list) throws IOException {
    List<Map<String, @Nullable Object>> modes = new ArrayList<>();
    for (Row row : rows) {
      Map<String, @Nullable Object> mode = new LinkedHashMap<>();
      mode.put("mode", row.mode().label());
      mode.put("auc_mean", JsonFile.number(row.report().mean()));
      mode.put("auc", JsonFile.byFinding(row.report().auc()));
      mode.put("studies_per_s", row.studiesPerSecond());
      row.weightRange().ifPresent(range -> mode.put("weights", range.label()));
      meanDifference(rows, row).ifPresent(mean -> mode.put("mean_abs_dp_to_fp32", mean));
      modes.add(mode);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("images", list.size());
    json.put("modes", modes);
    JsonFile.write(file, json);
  }
}
