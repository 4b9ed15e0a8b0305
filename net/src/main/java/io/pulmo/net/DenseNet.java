package io.pulmo.net;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.GradientCollector;
import io.pulmo.model.Finding;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.DenseNetSpec.Kind;
import io.pulmo.model.network.DenseNetSpec.Parameter;
import io.pulmo.model.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The network on libtorch: logits of crops, and the gradient of a loss.
 *
 * <p>It holds a copy of the weights in libtorch's memory and changes none of them: the host's
 * optimizer does, and {@link #load(float[], float[])}s the result. Flat vectors are laid out as
 * {@link DenseNetSpec#learned()} and {@link DenseNetSpec#statistics()} say. Crops are [count, 3,
 * side, side], row-major.
 *
 * <p>Safe for use by several threads: passes run side by side, loading and closing wait for them.
 * Backward passes wait for one another in the whole process, for DJL collects one gradient at a
 * time. A call is native and long: make it on a platform thread.
 */
public final class DenseNet implements AutoCloseable {
  /** Held while a gradient is collected; taken after a network's own lock. */
  private static final ReentrantLock COLLECTING = new ReentrantLock();

  private final DenseNetSpec spec;
  private final NDManager manager;
  private final Map<String, NDArray> arrays = new HashMap<>();
  private final List<FloatBuffer> learned = new ArrayList<>();
  private final List<FloatBuffer> statistics = new ArrayList<>();
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final int learnedSize;
  private final int statisticsSize;
  private volatile int threads;

  private DenseNet(DenseNetSpec spec, int threads, Engine engine) {
    this.spec = spec;
    this.learnedSize = spec.learnedSize();
    this.statisticsSize = spec.statisticsSize();
    setThreads(threads);
    manager = engine.newBaseManager(Device.cpu());
    manager.setName("densenet");
    for (Parameter parameter : spec.parameters()) {
      NDArray array = manager.zeros(shape(parameter), DataType.FLOAT32);
      arrays.put(parameter.name(), array);
      (parameter.kind() == Kind.LEARNED ? learned : statistics).add(view(array));
    }
  }

  /**
   * A network whose arrays are all zero until weights are loaded.
   *
   * @param threads how many threads compute one operation
   * @throws EngineUnavailableException if libtorch cannot be loaded
   */
  public static DenseNet create(DenseNetSpec spec, int threads) {
    return new DenseNet(spec, threads, Libtorch.load());
  }

  /**
   * The native engine's name and version, loaded if it was not yet.
   *
   * @throws EngineUnavailableException if libtorch cannot be loaded
   */
  public static String engineVersion() {
    Engine engine = Libtorch.load();
    return engine.getEngineName() + " " + engine.getVersion();
  }

  /** The network. */
  public DenseNetSpec spec() {
    return spec;
  }

  /** Sets how many threads compute one operation, from the next call on. */
  public void setThreads(int threads) {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "threads is " + threads + ", expected a number from 1 to 1024");
    }
    this.threads = threads;
  }

  /** Copies the weights. */
  public void load(Weights weights) {
    if (!weights.spec().equals(spec)) {
      throw new IllegalArgumentException("weights are of " + weights.spec() + ", expected " + spec);
    }
    load(weights.learned(), weights.statistics());
  }

  /** Copies the flat vectors of weights and running statistics. */
  public void load(float[] learned, float[] statistics) {
    load(FloatBuffer.wrap(learned), FloatBuffer.wrap(statistics));
  }

  /** Copies the flat vectors of weights and running statistics; the buffers' positions stay. */
  public void load(FloatBuffer learned, FloatBuffer statistics) {
    checkVectors(learned.remaining(), statistics.remaining());
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      checkOpen();
      copy(learned, this.learned);
      copy(statistics, this.statistics);
    } finally {
      writing.unlock();
    }
  }

  private static void copy(FloatBuffer flat, List<FloatBuffer> views) {
    int at = flat.position();
    for (FloatBuffer view : views) {
      view.put(0, flat, at, view.capacity());
      at += view.capacity();
    }
  }

  /**
   * The logits [count, 14] of the crops, with the running statistics.
   *
   * @param crops at least count crops
   * @param side height and width in pixels
   */
  public float[] logits(float[] crops, int count, int side) {
    checkCrops(crops, count, side);
    Lock reading = lock.readLock();
    reading.lock();
    try (NDManager pass = newPass()) {
      NDArray input = input(pass, crops, count, side);
      return new Forward(spec, arrays, false).logits(input).toFloatArray();
    } finally {
      reading.unlock();
    }
  }

  /** The probabilities [count, 14] of the crops: the sigmoid of their logits. */
  public float[] probabilities(float[] crops, int count, int side) {
    return studyProbabilities(crops, count, 1, side);
  }

  /** The probabilities [studies, 14]: the mean over each study's crops of the sigmoid. */
  public float[] studyProbabilities(float[] crops, int studies, int cropsPerStudy, int side) {
    float[] logits = logits(crops, Math.multiplyExact(studies, cropsPerStudy), side);
    float[] means = new float[studies * Finding.COUNT];
    for (int i = 0; i < means.length; i++) {
      int first = i / Finding.COUNT * cropsPerStudy * Finding.COUNT + i % Finding.COUNT;
      double sum = 0;
      for (int c = 0; c < cropsPerStudy; c++) {
        sum += Loss.sigmoid(logits[first + c * Finding.COUNT]);
      }
      means[i] = (float) (sum / cropsPerStudy);
    }
    return means;
  }

  /**
   * The mean loss of a batch, its gradient and the batch's statistics. Batch norms use the batch's
   * statistics over all crops; the loaded running statistics are neither used nor changed.
   *
   * @param crops at least samples × cropsPerSample crops
   * @param side height and width in pixels
   * @param labels [samples, 14], in 0..1
   * @param gradient receives d(mean loss)/d(weights), laid out as {@link DenseNetSpec#learned()}
   * @param statistics receives the mean and the unbiased variance of each batch norm's input, laid
   *     out as {@link DenseNetSpec#statistics()}
   * @return the mean loss over the samples
   */
  public double backward(
      float[] crops,
      int samples,
      int cropsPerSample,
      int side,
      float[] labels,
      Loss loss,
      float[] gradient,
      float[] statistics) {
    int count = Math.multiplyExact(samples, cropsPerSample);
    checkCrops(crops, count, side);
    checkVectors(gradient.length, statistics.length);
    checkVarianceExists(count, side);
    Lock reading = lock.readLock();
    reading.lock();
    COLLECTING.lock();
    try (NDManager pass = newPass();
        GradientCollector collector = pass.getEngine().newGradientCollector()) {
      Map<String, NDArray> leaves = leaves(pass);
      NDArray input = input(pass, crops, count, side);
      NDArray logits = new Forward(spec, leaves, true).logits(input);
      float[] upstream = new float[count * Finding.COUNT];
      double value =
          loss.evaluate(logits.toFloatArray(), samples, cropsPerSample, labels, upstream);
      // The chain rule: the gradient of Σ logits × d(loss)/d(logits) is that of the loss.
      NDArray factors = pass.create(upstream, logits.getShape());
      collector.backward(logits.mul(factors).sum());
      int learnedAt = 0;
      int statisticsAt = 0;
      for (Parameter parameter : spec.parameters()) {
        NDArray leaf = Objects.requireNonNull(leaves.get(parameter.name()));
        if (parameter.kind() == Kind.LEARNED) {
          learnedAt += read(leaf.getGradient(), gradient, learnedAt);
        } else {
          statisticsAt += read(leaf, statistics, statisticsAt);
        }
      }
      return value;
    } finally {
      COLLECTING.unlock();
      reading.unlock();
    }
  }

  /**
   * Arrays for one backward pass: the weights' memory under new leaves of a graph, so that no
   * gradient outlives the pass, and room for the batch's statistics.
   */
  private Map<String, NDArray> leaves(NDManager pass) {
    Map<String, NDArray> leaves = new HashMap<>();
    for (Parameter parameter : spec.parameters()) {
      NDArray leaf;
      if (parameter.kind() == Kind.LEARNED) {
        leaf = Objects.requireNonNull(arrays.get(parameter.name())).stopGradient();
        leaf.attach(pass);
        leaf.setRequiresGradient(true);
      } else {
        leaf = pass.zeros(shape(parameter), DataType.FLOAT32);
      }
      leaves.put(parameter.name(), leaf);
    }
    return leaves;
  }

  private static int read(NDArray array, float[] to, int at) {
    FloatBuffer values = view(array);
    int size = values.remaining();
    values.get(to, at, size);
    return size;
  }

  private NDManager newPass() {
    checkOpen();
    // OpenMP keeps this by thread: another one may have called last time.
    JniUtils.setNumThreads(threads);
    return manager.newSubManager();
  }

  private static NDArray input(NDManager pass, float[] crops, int count, int side) {
    Shape shape = new Shape(count, DenseNetSpec.INPUT_CHANNELS, side, side);
    NDArray input = pass.create(shape, DataType.FLOAT32);
    view(input).put(crops, 0, (int) shape.size());
    return input;
  }

  /** The array's own memory, where it lies in row-major order. */
  private static FloatBuffer view(NDArray array) {
    return ((PtNDArray) array).toByteBuffer(true).asFloatBuffer();
  }

  private static Shape shape(Parameter parameter) {
    return new Shape(parameter.shape().stream().mapToLong(Integer::longValue).toArray());
  }

  private void checkOpen() {
    if (!manager.isOpen()) {
      throw new IllegalStateException("the network is closed: create another");
    }
  }

  private void checkVectors(int learned, int statistics) {
    if (learned != learnedSize || statistics != statisticsSize) {
      throw new IllegalArgumentException(
          "given vectors of %d weights and %d statistics, expected %d and %d"
              .formatted(learned, statistics, learnedSize, statisticsSize));
    }
  }

  private void checkCrops(float[] crops, int count, int side) {
    if (count < 1 || side < 1) {
      throw new IllegalArgumentException(
          "given %d crops of side %d, expected at least 1 of each".formatted(count, side));
    }
    if (lastSide(side) < 1) {
      throw new IllegalArgumentException(
          "crops of side %d shrink to nothing in the network, expected a larger side"
              .formatted(side));
    }
    long size = (long) DenseNetSpec.INPUT_CHANNELS * count * side * side;
    if (crops.length < size) {
      throw new IllegalArgumentException(
          "given %d values, expected %d for %d crops of side %d"
              .formatted(crops.length, size, count, side));
    }
  }

  /** The last batch norm needs two values a channel to have a variance. */
  private void checkVarianceExists(int count, int side) {
    int last = lastSide(side);
    if ((long) count * last * last < 2) {
      throw new IllegalArgumentException(
          ("%d crops of side %d leave %d × %d values a channel to the last batch norm, expected at"
                  + " least 2 in all: give more or larger crops")
              .formatted(count, side, last, last));
    }
  }

  /** The side of the last features. */
  private int lastSide(int side) {
    int last = (side + 1) / 2;
    last = (last + 1) / 2;
    for (int b = 1; b < spec.blocks().size(); b++) {
      last /= 2;
    }
    return last;
  }

  @Override
  public void close() {
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      manager.close();
    } finally {
      writing.unlock();
    }
  }
}
