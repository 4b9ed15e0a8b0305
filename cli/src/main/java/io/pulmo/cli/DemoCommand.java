package io.pulmo.cli;

import io.pulmo.cli.demo.Demo;
import io.pulmo.cli.demo.DemoPlan;
import io.pulmo.cli.terminal.ExitCode;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "demo",
    description = {
      "Runs the whole of Pulmo on this machine: generates radiographs, trains on a cluster of processes, exports a bundle, "
          + "serves it and streams the test split through it.",
      "Everything that it starts ends with it."
    })
final class DemoCommand implements Callable<Integer> {
  @ParentCommand private @Nullable Pulmo pulmo;

  @Option(
      names = "--preset",
      paramLabel = "small|chexnet",
      description = "the network (default: ${DEFAULT-VALUE})",
      defaultValue = "small")
  private String preset = "";

  @Option(
      names = "--workers",
      paramLabel = "N",
      description = "worker processes (default: ${DEFAULT-VALUE})",
      defaultValue = "2")
  private int workers;

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "your own radiographs (PNG or JPEG), to go through the served model after that")
  private Optional<Path> images = Optional.empty();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "keep data, logs and bundle there (default: a temporary folder, removed)")
  private Optional<Path> out = Optional.empty();

  @Option(names = "--json", paramLabel = "FILE", description = "the table for programs")
  private Optional<Path> json = Optional.empty();

  @Option(
      names = "--keep",
      description = "leave the cluster up until Ctrl-C and say what can be done with it")
  private boolean keep;

  @Override
  public Integer call() throws Exception {
    DemoPlan plan = DemoPlan.of(preset, workers);
    try (Demo demo = Demo.begin(plan, images, out, keep, Objects.requireNonNull(pulmo).quiet())) {
      demo.run(json);
    }
    return ExitCode.DONE;
  }
}
