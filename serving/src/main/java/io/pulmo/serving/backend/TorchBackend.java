package io.pulmo.serving.backend;

import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.net.EngineUnavailableException;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network on libtorch in float32. The only class of serving that knows DJL, so that none of it is
 * loaded where Torch is not asked for.
 */
public final class TorchBackend implements Backend {
  /** The activations of one study of DenseNet-121 take some hundred megabytes. */
  private static final int MOST_PLACES = 4;

  private final DenseNet network;
  private final int cropPixels;
  private final int threads;
  private final int places;
  private final Semaphore permits;
  private final AtomicInteger running = new AtomicInteger();

  private TorchBackend(DenseNet network, int cropPixels, int threads) {
    this.network = network;
    this.cropPixels = cropPixels;
    this.threads = threads;
    this.places = Math.min(threads, MOST_PLACES);
    this.permits = new Semaphore(places, true);
  }

  /**
   * Loads weights into libtorch.
   *
   * @param cropPixels the side of the crops
   * @param threads how many threads compute
   * @throws BackendUnavailableException if libtorch is not there
   */
  public static TorchBackend open(Weights weights, int cropPixels, int threads) {
    DenseNet network;
    try {
      network = DenseNet.create(weights.spec(), threads);
    } catch (EngineUnavailableException e) {
      throw new BackendUnavailableException(Mode.TORCH, String.valueOf(e.getMessage()), e);
    }
    network.load(weights);
    return new TorchBackend(network, cropPixels, threads);
  }

  @Override
  public Mode mode() {
    return Mode.TORCH;
  }

  @Override
  public Optional<WeightRange> weightRange() {
    return Optional.empty();
  }

  @Override
  public int parallelism() {
    return places;
  }

  @Override
  public float[] judge(float[] crops) {
    permits.acquireUninterruptibly();
    try {
      // A lone study has all threads; studies side by side share them, which gives more of them a
      // second than one after the other.
      network.setThreads(Math.max(1, threads / running.incrementAndGet()));
      return network.studyProbabilities(crops, 1, Preprocessing.CROPS, cropPixels);
    } finally {
      running.decrementAndGet();
      permits.release();
    }
  }

  @Override
  public void close() {
    network.close();
  }
}
