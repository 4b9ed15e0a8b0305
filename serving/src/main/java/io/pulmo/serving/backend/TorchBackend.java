package io.pulmo.serving.backend;

import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.net.EngineUnavailableException;
import java.util.concurrent.Semaphore;

/**
 * A network on libtorch in float32. The only class of serving that knows DJL, so that none of it is
 * loaded where Torch is not asked for.
 */
public final class TorchBackend implements Backend {
  private final DenseNet network;
  private final int cropPixels;
  private final Semaphore one = new Semaphore(1);

  private TorchBackend(DenseNet network, int cropPixels) {
    this.network = network;
    this.cropPixels = cropPixels;
  }

  /**
   * Loads weights into libtorch.
   *
   * @param cropPixels the side of the crops
   * @param threads how many threads compute one study
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
    return new TorchBackend(network, cropPixels);
  }

  @Override
  public Mode mode() {
    return Mode.TORCH;
  }

  @Override
  public int parallelism() {
    return 1;
  }

  @Override
  public float[] judge(float[] crops) {
    // One study at a time with all threads: side by side they would share the same cores.
    one.acquireUninterruptibly();
    try {
      return network.studyProbabilities(crops, 1, Preprocessing.CROPS, cropPixels);
    } finally {
      one.release();
    }
  }

  @Override
  public void close() {
    network.close();
  }
}
