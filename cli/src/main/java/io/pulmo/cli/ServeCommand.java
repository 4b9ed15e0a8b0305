package io.pulmo.cli;

import io.pulmo.serving.ServingServer;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "serve", description = "Serves bundles over gRPC: radiographs in, findings out.")
final class ServeCommand implements Callable<Integer> {
  /** Where it listens unless told. */
  static final int DEFAULT_PORT = 7600;

  @Mixin private final ListenOptions listen = new ListenOptions();
  @Mixin private final Lifetime lifetime = new Lifetime();
  @Mixin private final ModeOption modes = new ModeOption();
  @Mixin private final BackendChoice backends = new BackendChoice();
  @Mixin private final ImageLimitOptions images = new ImageLimitOptions();

  @Option(
      names = "--repository",
      paramLabel = "DIR",
      required = true,
      description = "NAME/VERSION/ below it are bundles, or it is a bundle itself")
  private Path repository = Path.of("");

  @Override
  public Integer call() throws Exception {
    lifetime.begin();
    ServingServer server =
        ServingServer.start(
            new ServingServer.Settings(
                repository,
                listen.listen(DEFAULT_PORT),
                modes.modes(),
                modes.given(),
                images.limits(),
                backends.options()));
    System.out.println("serving listening on " + server.address());
    return lifetime.serve(server);
  }
}
