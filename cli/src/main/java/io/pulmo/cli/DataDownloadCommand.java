package io.pulmo.cli;

import io.pulmo.cli.download.Archive;
import io.pulmo.cli.download.ImageDownload;
import io.pulmo.cli.terminal.ExitCode;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "download",
    description =
        "Fetches ChestX-ray14's images, NIH's twelve archives of 42 GB in all, and unpacks them; run it again to go on.")
final class DataDownloadCommand implements Callable<Integer> {
  private static final int NIH_IMAGES = 112_120;
  private static final String NIH_FOLDER = "https://nihcc.app.box.com/v/ChestXray-NIHCC";

  @ParentCommand private @Nullable DataCommand data;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "the images go into its folder images")
  private Path out = Path.of("");

  @Option(names = "--keep-archives", description = "leave the archives in DIR too")
  private boolean keepArchives;

  @Option(
      names = "--archives",
      paramLabel = "FILE",
      description =
          "a mirror's list instead of NIH's: name, address and SHA-256 a line, tabs between")
  private Optional<Path> list = Optional.empty();

  @Override
  public Integer call() throws Exception {
    List<Archive> archives = list.isPresent() ? Archive.read(list.get()) : Archive.nih();
    int images =
        ImageDownload.to(out, archives, keepArchives, Objects.requireNonNull(data).quiet()).run();
    System.out.println(
        images + " of ChestX-ray14's " + NIH_IMAGES + " images in " + out.resolve("images"));
    System.out.println(
        "next: fetch Data_Entry_2017_v2020.csv, which is in no archive, from "
            + NIH_FOLDER
            + ", then");
    System.out.println("  pulmo data split --csv Data_Entry_2017_v2020.csv --out " + out);
    return ExitCode.DONE;
  }
}
