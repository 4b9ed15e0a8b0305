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
    return switch (EventsFile.format(file)) {
      case ModesEvent.FORMAT -> tell(ModesVerifier.figures(file).text(), true);
      case ClusterEvent.TRAIN -> tell(TrainVerifier.figures(file).text(), true);
      case ClusterEvent.FAILOVER -> tell(FailoverVerifier.figures(file));
      case ClusterEvent.LEDGER -> tell(LedgerVerifier.figures(file));
      case ClusterEvent.STAGES -> tell(StagesVerifier.figures(file));
      // The other benches' files are refused by the reader of the first, which says what it
      // expects.
      default -> tell(BenchVerifier.figures(file).text(), true);
    };
  }

  private static int tell(ClusterFigures figures) {
    return tell(figures.text(), figures.clean());
  }

  private static int tell(String text, boolean clean) {
    System.out.print(text);
    return clean ? ExitCode.DONE : ExitCode.FAILED;
  }
}
