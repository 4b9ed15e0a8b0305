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
    String text;
    boolean clean = true;
    switch (EventsFile.format(file)) {
      case ModesEvent.FORMAT -> text = ModesVerifier.figures(file).text();
      case ClusterEvent.TRAIN -> text = TrainVerifier.figures(file).text();
      case ClusterEvent.FAILOVER -> {
        FailoverFigures figures = FailoverVerifier.figures(file);
        text = figures.text();
        clean = figures.clean();
      }
      case ClusterEvent.LEDGER -> {
        LedgerFigures figures = LedgerVerifier.figures(file);
        text = figures.text();
        clean = figures.clean();
      }
      case ClusterEvent.STAGES -> {
        StagesFigures figures = StagesVerifier.figures(file);
        text = figures.text();
        clean = figures.clean();
      }
      // The other benches' files are refused by the reader of the first, which says what it
      // expects.
      default -> text = BenchVerifier.figures(file).text();
    }
    System.out.print(text);
    return clean ? ExitCode.DONE : ExitCode.FAILED;
  }
}
