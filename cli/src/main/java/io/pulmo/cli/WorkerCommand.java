package io.pulmo.cli;

import io.pulmo.worker.WorkerServer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "worker", description = "Joins this machine to the cluster, to train.")
final class WorkerCommand implements Callable<Integer> {
  /** Leaving waits for the others to go on without this worker, within limits of its own. */
  private static final long LEAVING_MILLIS = 75_000;

  @Mixin private final CoordinatorOption coordinator = new CoordinatorOption();
  @Mixin private final ListenOptions listen = new ListenOptions();
  @Mixin private final Lifetime lifetime = new Lifetime();
  @Mixin private final ImageLimitOptions images = new ImageLimitOptions();

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "the folder under which a job's images lie")
  private Optional<Path> data = Optional.empty();

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description = "where lists and checkpoints are kept (default: ${DEFAULT-VALUE})",
      defaultValue = "pulmo-worker")
  private Path state = Path.of("");

  @Option(
      names = "--events",
      hidden = true,
      description = "tell on standard output, as JSON lines, what happens to the training state")
  private boolean events;

  @Override
  public Integer call() throws Exception {
    lifetime.begin();
    WorkerServer server =
        WorkerServer.start(
            new WorkerServer.Settings(
                coordinator.addresses(),
                data,
                state,
                listen.listen(0),
                images.limits(),
                events ? Optional.of(System.out) : Optional.empty()));
    System.out.println("worker listening on " + server.address());
    return lifetime.serve(server::leave, LEAVING_MILLIS);
  }
}
