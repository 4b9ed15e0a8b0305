package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.node.Listen;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of every server: where it listens. */
final class ListenOptions {
  private static final int MOST_PORT = 65_535;

  @Option(names = "--bind", paramLabel = "ADDRESS", description = "default: ${DEFAULT-VALUE}")
  private String bind = Listen.LOOPBACK;

  @Option(
      names = "--advertise",
      paramLabel = "HOST[:PORT]",
      description = "what others are told, if not the bound address")
  private Optional<String> advertise = Optional.empty();

  @Option(names = "--port", paramLabel = "PORT", description = "0 for a free one")
  private Optional<Integer> port = Optional.empty();

  @Option(names = "--insecure", description = "listen beyond this machine although there is no TLS")
  private boolean insecure;

  Listen listen(int defaultPort) {
    int chosen = port.orElse(defaultPort);
    if (chosen < 0 || chosen > MOST_PORT) {
      throw CommandFailure.usage("--port is " + chosen + ", expected 0 to " + MOST_PORT);
    }
    return CommandFailure.option(
        "--bind, --advertise", () -> new Listen(bind, chosen, advertise, insecure));
  }
}
