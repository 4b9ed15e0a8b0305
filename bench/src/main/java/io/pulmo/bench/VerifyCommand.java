package io.pulmo.bench;

import io.pulmo.cli.terminal.ExitCode;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
    name = "verify",
    description = "Computes a bench's figures anew, from its file of events alone.")
final class VerifyCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE", description = "what a bench wrote for --events")
  private Path file = Path.of("");

  @Override
  public Integer call() throws Exception {
    // The other bench's files are refused by the reader of the first, which says what it expects.
    System.out.print(
        EventsFile.format(file).equals(ModesEvent.FORMAT)
            ? ModesVerifier.figures(file).text()
            : BenchVerifier.figures(file).text());
    return ExitCode.DONE;
  }
}
