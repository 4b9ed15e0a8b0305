package io.pulmo.serving;

import io.pulmo.model.image.ImageLimits;
import io.pulmo.node.HostPort;
import io.pulmo.node.Listen;
import io.pulmo.node.NodeServer;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.engine.Engine;
import io.pulmo.serving.repository.LoadedModel;
import io.pulmo.serving.repository.ModelIdentity;
import io.pulmo.serving.repository.Repository;
import io.pulmo.serving.rpc.InferenceService;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running server of bundles: a repository, an engine and the services on it. */
public final class ServingServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ServingServer.class);

  private final Repository repository;
  private final Engine engine;
  private final NodeServer server;

  private ServingServer(Repository repository, Engine engine, NodeServer server) {
    this.repository = repository;
    this.engine = engine;
    this.server = server;
  }

  /**
   * What is served, how and where.
   *
   * @param repository DIR of DIR/NAME/VERSION/ bundles, or a bundle
   * @param listen where
   * @param modes what to offer
   * @param modesExplicit whether a mode that cannot run is an error; otherwise the others are
   *     offered
   * @param limits on the images that are judged
   * @param backends how the machine is used
   */
  public record Settings(
      Path repository,
      Listen listen,
      Set<Mode> modes,
      boolean modesExplicit,
      ImageLimits limits,
      BackendOptions backends) {
    /** Copies the modes. */
    public Settings {
      modes = Set.copyOf(modes);
    }

    /** All modes that can run, for images within {@link ImageLimits#DEFAULTS}. */
    public static Settings offering(Path repository, Listen listen) {
      return new Settings(
          repository,
          listen,
          EnumSet.allOf(Mode.class),
          false,
          ImageLimits.DEFAULTS,
          BackendOptions.ofThisMachine());
    }
  }

  /**
   * Loads, tests and warms up the models, then starts to serve.
   *
   * @throws IOException if a bundle is refused or the address cannot be bound
   * @throws io.pulmo.serving.backend.BackendUnavailableException if a mode asked for cannot run, or
   *     none at all can; the message says how to mend it
   */
  public static ServingServer start(Settings settings) throws IOException {
    Repository repository =
        Repository.open(
            settings.repository(),
            settings.modes(),
            settings.modesExplicit(),
            settings.limits(),
            settings.backends());
    Engine engine = null;
    try {
      for (LoadedModel model : repository.models()) {
        log.info("Serving {} in {}", model.identity(), model.modes());
        model
            .modes()
            .forEach(
                mode ->
                    model
                        .weightRange(mode)
                        .ifPresent(
                            range -> log.info("{} has {} weights", mode.label(), range.label())));
        model
            .unavailable()
            .forEach(
                (mode, reason) ->
                    log.warn("Not serving {} in {}: {}", model.identity(), mode.label(), reason));
      }
      engine = new Engine(repository.models());
      NodeServer server =
          NodeServer.start(
              settings.listen(),
              InferenceService.MAX_MESSAGE_BYTES,
              List.of(new InferenceService(engine)));
      server.setServing(InferenceService.NAME, true);
      return new ServingServer(repository, engine, server);
    } catch (IOException | RuntimeException | Error e) {
      if (engine != null) {
        engine.close();
      }
      repository.close();
      throw e;
    }
  }

  /** Where it serves. */
  public HostPort address() {
    return server.address();
  }

  /** What it serves. */
  public List<ModelIdentity> models() {
    return repository.models().stream().map(LoadedModel::identity).toList();
  }

  /** Lets calls under way end for a moment, then stops. */
  @Override
  public void close() {
    server.close();
    engine.close();
    repository.close();
  }
}
