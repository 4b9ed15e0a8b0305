package io.pulmo.cli;

import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.model.data.LabelList;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "stats",
    description = "The study's Table 1: each finding's prevalence in label lists, in per cent.")
final class DataStatsCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "LIST",
      arity = "1..*",
      description = "label lists, plain or gzip; a column each")
  private List<Path> lists = List.of();

  @Option(names = "--json", paramLabel = "FILE", description = "the table for programs")
  private Optional<Path> json = Optional.empty();

  @Override
  public Integer call() throws Exception {
    List<PrevalenceTable.Split> splits = new ArrayList<>();
    for (Path file : lists) {
      LabelList list = LabelList.read(file);
      splits.add(
          new PrevalenceTable.Split(
              file.toString(), Map.of("images", list.size()), list.size(), list.positives()));
    }
    PrevalenceTable table = new PrevalenceTable(splits);
    System.out.print(table);
    if (json.isPresent()) {
      JsonFile.write(json.get(), table.json());
    }
    return ExitCode.DONE;
  }
}
