package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.node.HostPort;
import java.util.List;
import picocli.CommandLine.Option;

/** The option of every command that talks to the cluster. */
final class CoordinatorOption {
  /** Where a coordinator listens unless told. */
  static final int DEFAULT_PORT = 7500;

  @Option(
      names = "--coordinator",
      paramLabel = "HOST:PORT[,HOST:PORT...]",
      description = "any of the coordinators, or several (default: ${DEFAULT-VALUE})",
      defaultValue = "127.0.0.1:" + DEFAULT_PORT)
  private String coordinators = "";

  List<HostPort> addresses() {
    return CommandFailure.option("--coordinator", () -> HostPort.parseList(coordinators));
  }
}
