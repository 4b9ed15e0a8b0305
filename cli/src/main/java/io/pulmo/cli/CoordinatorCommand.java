package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.coordinator.CoordinatorServer;
import io.pulmo.coordinator.job.EventLog;
import io.pulmo.coordinator.job.Jobs;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "coordinator",
    description =
        "Runs a coordinator: one of them leads, keeps the members and runs the jobs. Without --zookeeper it embeds one.")
final class CoordinatorCommand implements Callable<Integer> {
  @Mixin private final ListenOptions listen = new ListenOptions();
  @Mixin private final Lifetime lifetime = new Lifetime();

  @Option(
      names = "--zookeeper",
      paramLabel = "HOST:PORT[,HOST:PORT...]",
      description = "the ensemble that this and the other coordinators share")
  private Optional<String> zookeeper = Optional.empty();

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description = "where lists, weights and bundles are kept (default: ${DEFAULT-VALUE})",
      defaultValue = "pulmo-coordinator")
  private Path state = Path.of("");

  @Option(
      names = "--events",
      hidden = true,
      description = "print what the leader does on standard output, a JSON object a line")
  private boolean events;

  @Override
  public Integer call() throws Exception {
    lifetime.begin();
    CoordinatorServer server =
        CoordinatorServer.start(
            CommandFailure.option(
                "--zookeeper",
                () ->
                    new CoordinatorServer.Settings(
                        listen.listen(CoordinatorOption.DEFAULT_PORT),
                        zookeeper,
                        state,
                        Jobs.PATIENCE,
                        events
                            ? EventLog.to(System.out, InstantSource.system())
                            : EventLog.none())));
    System.out.println("coordinator listening on " + server.address());
    System.out.println(
        "join a worker: ./pulmo worker --coordinator " + server.address() + " --data DIR");
    return lifetime.serve(server);
  }
}
