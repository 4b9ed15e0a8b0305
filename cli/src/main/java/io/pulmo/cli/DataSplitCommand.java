package io.pulmo.cli;

import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.model.data.NihImage;
import io.pulmo.model.data.NihNames;
import io.pulmo.model.data.PatientSplit;
import io.pulmo.model.data.SplitList;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "split",
    description =
        "Makes train_list.txt, val_list.txt and test_list.txt of NIH's table, no patient in two: 70/10/20 % of the images, or NIH's own split.")
final class DataSplitCommand implements Callable<Integer> {
  @Option(
      names = "--csv",
      paramLabel = "FILE",
      required = true,
      description = "NIH's Data_Entry_2017_v2020.csv, plain or gzip")
  private Path csv = Path.of("");

  @Option(names = "--out", paramLabel = "DIR", required = true)
  private Path out = Path.of("");

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "the same seed gives the same lists (default: ${DEFAULT-VALUE})")
  private long seed;

  @ArgGroup(exclusive = false)
  private @Nullable NihLists nih;

  @Option(names = "--json", paramLabel = "FILE", description = "the table for programs")
  private Optional<Path> json = Optional.empty();

  /** NIH's own split. */
  private static final class NihLists {
    @Option(
        names = "--train-val",
        paramLabel = "FILE",
        required = true,
        description = "NIH's train_val_list.txt; one in eight of its images is for validation")
    private Path trainVal = Path.of("");

    @Option(
        names = "--test",
        paramLabel = "FILE",
        required = true,
        description = "NIH's test_list.txt")
    private Path test = Path.of("");
  }

  @Override
  public Integer call() throws Exception {
    List<NihImage> images = NihImage.read(csv);
    PatientSplit split =
        nih == null
            ? PatientSplit.draw(images, seed)
            : PatientSplit.ofNih(
                images, NihNames.read(nih.trainVal), NihNames.read(nih.test), seed);
    split.write(out);
    List<PrevalenceTable.Split> columns = new ArrayList<>();
    for (SplitList list : split.lists()) {
      Map<String, Integer> counts = new LinkedHashMap<>();
      counts.put("images", list.images().size());
      counts.put("target_images", list.targetImages());
      counts.put("patients", list.patients());
      columns.add(
          new PrevalenceTable.Split(
              out.resolve(list.fileName()).toString(),
              counts,
              list.images().size(),
              list.positives()));
    }
    PrevalenceTable table = new PrevalenceTable(columns);
    System.out.print(table);
    if (split.leftOut() > 0) {
      System.out.printf(Locale.ROOT, "%d images of %s are in no list%n", split.leftOut(), csv);
    }
    System.out.println("lists in " + out);
    if (json.isPresent()) {
      JsonFile.write(json.get(), table.json());
    }
    return ExitCode.DONE;
  }
}
