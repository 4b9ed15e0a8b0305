package io.pulmo.serving.repository;

import io.pulmo.model.Findings;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.SelfTest;
import io.pulmo.model.image.ImageFile;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import io.pulmo.serving.backend.Backend;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.BackendUnavailableException;
import io.pulmo.serving.backend.ExecutionPlan;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.OpenVinoBackend;
import io.pulmo.serving.backend.TorchBackend;
import io.pulmo.serving.backend.WeightRange;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * A bundle loaded into one backend for each mode: image bytes in, findings out.
 *
 * <p>Every backend has passed the bundle's self-test. Safe for use by several threads; judging is
 * native and long: do it on platform threads.
 */
public final class LoadedModel implements Judge, AutoCloseable {
  /** What float32 in another order of summation may change; a bundle may ask for less. */
  private static final float MOST_TOLERANCE = 1e-4f;

  /** What 8 bits may change of the self-test's image; a bundle may ask for less. */
  private static final float MOST_INT8_TOLERANCE = 0.25f;

  private final ModelIdentity identity;
  private final Preprocessing preprocessing;
  private final ImagePipeline pipeline;
  private final Map<Mode, Backend> backends = new EnumMap<>(Mode.class);
  private final Map<Mode, String> unavailable = new EnumMap<>(Mode.class);

  /** Room for the crops of studies to come, as many as were ever judged side by side. */
  private final Queue<float[]> spare = new ConcurrentLinkedQueue<>();

  private LoadedModel(Bundle bundle, ModelIdentity identity, ImageLimits limits) {
    this.identity = identity;
    this.preprocessing = bundle.manifest().preprocessing();
    this.pipeline = new ImagePipeline(preprocessing, limits);
  }

  /** Loads a bundle as below, for images within {@link ImageLimits#DEFAULTS}. */
  public static LoadedModel open(Bundle bundle, Set<Mode> modes) throws IOException {
    return open(bundle, modes, ImageLimits.DEFAULTS, BackendOptions.ofThisMachine());
  }

  /**
   * Loads a bundle for all of these modes.
   *
   * @param limits on the images that it judges
   * @param options how it uses the machine
   * @throws BackendUnavailableException if one of them cannot run on this machine, with the mend
   * @throws SelfTestException if one of them computes something else than the bundle expects
   * @throws IOException if a file cannot be read
   */
  public static LoadedModel open(
      Bundle bundle, Set<Mode> modes, ImageLimits limits, BackendOptions options)
      throws IOException {
    return load(bundle, Repository.identity(bundle), modes, true, limits, options);
  }

  /**
   * Loads a bundle for those of the modes that can run on this machine; {@link #unavailable} says
   * what is with the others.
   *
   * @param limits on the images that it judges
   * @param options how it uses the machine
   * @throws BackendUnavailableException if none can run
   * @throws SelfTestException if one of them computes something else than the bundle expects
   * @throws IOException if a file cannot be read
   */
  public static LoadedModel openRunnable(
      Bundle bundle, Set<Mode> modes, ImageLimits limits, BackendOptions options)
      throws IOException {
    return load(bundle, Repository.identity(bundle), modes, false, limits, options);
  }

  static LoadedModel load(
      Bundle bundle,
      ModelIdentity identity,
      Set<Mode> modes,
      boolean required,
      ImageLimits limits,
      BackendOptions options)
      throws IOException {
    if (modes.isEmpty()) {
      throw new IllegalArgumentException(
          "no mode is given, expected one or more of torch, fp32 and int8");
    }
    LoadedModel model = new LoadedModel(bundle, identity, limits);
    try {
      Plans plans = Plans.of(bundle, options);
      BackendUnavailableException last = null;
      for (Mode mode : EnumSet.copyOf(modes)) {
        try {
          model.backends.put(mode, backend(bundle, mode, plans, options));
        } catch (BackendUnavailableException e) {
          if (required) {
            throw e;
          }
          model.unavailable.put(mode, String.valueOf(e.getMessage()));
          last = e;
        }
      }
      if (last != null && model.backends.isEmpty()) {
        throw last;
      }
      model.selfTest(bundle);
      return model;
    } catch (IOException | RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private static Backend backend(Bundle bundle, Mode mode, Plans plans, BackendOptions options)
      throws IOException {
    int cropPixels = bundle.manifest().preprocessing().cropPixels();
    try {
      return switch (mode) {
        case FP32 -> openVino(bundle, bundle.file(Bundle.ONNX), Optional.empty(), plans, options);
        case INT8 -> {
          WeightRange range = options.weightRange();
          yield openVino(bundle, quantized(bundle, range), Optional.of(range), plans, options);
        }
        case TORCH -> {
          Weights weights =
              WeightsFile.read(bundle.file(Bundle.WEIGHTS), bundle.manifest().network());
          yield TorchBackend.open(weights, cropPixels, options.threads());
        }
      };
    } catch (LinkageError e) {
      throw new BackendUnavailableException(
          mode,
          mode.label()
              + " cannot run: its classes are not on the class path ("
              + e
              + "); start with Pulmo's whole class path",
          e);
    }
  }

  private static Backend openVino(
      Bundle bundle, Path onnx, Optional<WeightRange> range, Plans plans, BackendOptions options)
      throws IOException {
    return OpenVinoBackend.open(
        onnx,
        range,
        bundle.manifest().preprocessing().cropPixels(),
        plans.of(range.isPresent() ? Mode.INT8 : Mode.FP32),
        options.threads(),
        options.compiledModels().flatMap(place -> place.of(bundle.digest(), Clock.systemUTC())));
  }

  private static Path quantized(Bundle bundle, WeightRange range) throws IOException {
    if (!bundle.hasInt8()) {
      throw new BackendUnavailableException(
          Mode.INT8,
          "the bundle was exported without calibration images: export it again with --calibration");
    }
    return bundle.file(range.file());
  }

  /** Runs the self-test in every place of every backend, which also warms them up. */
  private void selfTest(Bundle bundle) throws IOException {
    for (Backend backend : backends.values()) {
      boolean exact = backend.weightRange().isEmpty();
      SelfTest test = exact ? bundle.selfTest() : bundle.int8SelfTest();
      float tolerance = Math.min(test.tolerance(), exact ? MOST_TOLERANCE : MOST_INT8_TOLERANCE);
      float[] crops = test.input(preprocessing);
      for (int i = 0; i < backend.parallelism(); i++) {
        String mismatch = test.mismatch(backend.judge(crops), tolerance).orElse(null);
        if (mismatch != null) {
          throw new SelfTestException(
              bundle.folder()
                  + " was refused: in "
                  + backend.mode().label()
                  + backend
                      .weightRange()
                      .map(range -> " with " + range.label() + " weights")
                      .orElse("")
                  + " "
                  + mismatch
                  + "; export the bundle again");
        }
      }
    }
  }

  @Override
  public ModelIdentity identity() {
    return identity;
  }

  @Override
  public SortedSet<Mode> modes() {
    return Collections.unmodifiableSortedSet(new TreeSet<>(backends.keySet()));
  }

  @Override
  public Optional<WeightRange> weightRange(Mode mode) {
    return backend(mode).weightRange();
  }

  @Override
  public Map<Mode, String> unavailable() {
    return Collections.unmodifiableMap(unavailable);
  }

  @Override
  public int parallelism() {
    return backends.values().stream().mapToInt(Backend::parallelism).max().orElse(1);
  }

  @Override
  public Findings judge(byte[] image, Mode mode) throws UnreadableImageException {
    Backend backend = backend(mode);
    float[] room = spare.poll();
    float[] crops = room == null ? new float[Preprocessing.CROPS * preprocessing.cropSize()] : room;
    try {
      pipeline.tenCrops(pipeline.resized(image), crops, 0);
      return new Findings(backend.judge(crops));
    } finally {
      spare.add(crops);
    }
  }

  private Backend backend(Mode mode) {
    Backend backend = backends.get(mode);
    if (backend == null) {
      throw new IllegalArgumentException(
          "the mode is " + mode.label() + ", loaded are " + backends.keySet());
    }
    return backend;
  }

  /**
   * Judges a study that is preprocessed already.
   *
   * @param crops [10, 3, side, side] in row-major order, normalized
   * @param mode one of {@link #modes}
   */
  public Findings judge(float[] crops, Mode mode) {
    return new Findings(backend(mode).judge(crops));
  }

  /** How a mode spreads studies over the machine, where it is OpenVINO's. */
  public Optional<ExecutionPlan> plan(Mode mode) {
    return switch (backend(mode)) {
      case OpenVinoBackend openVino -> Optional.of(openVino.plan());
      case TorchBackend torch -> Optional.empty();
    };
  }

  /**
   * Judges image files, several side by side.
   *
   * @param judged hears after each how many are done; called by several threads
   * @return the findings in the order of the files
   * @throws IOException if a file cannot be read, or not as an image; the message names it
   * @throws InterruptedException if the thread is interrupted; nothing is left running
   */
  public List<Findings> judgeAll(List<Path> images, Mode mode, IntConsumer judged)
      throws IOException, InterruptedException {
    // One more than infer at a time: it decodes the next study meanwhile.
    int threads = Math.min(parallelism() + 1, Math.max(1, images.size()));
    AtomicInteger next = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    Findings[] all = new Findings[images.size()];
    Callable<Void> work =
        () -> {
          try {
            for (int i = next.getAndIncrement(); i < all.length; i = next.getAndIncrement()) {
              all[i] = judge(images.get(i), mode);
              judged.accept(done.incrementAndGet());
            }
            return null;
          } catch (IOException | RuntimeException | Error e) {
            // The others need not go on.
            next.set(all.length);
            throw e;
          }
        };
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("pulmo-judge-", 1).daemon().factory());
    try {
      List<Future<Void>> workers = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        workers.add(pool.submit(work));
      }
      for (Future<Void> worker : workers) {
        worker.get();
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    } finally {
      next.set(all.length);
      pool.close();
    }
    List<Findings> findings = new ArrayList<>();
    for (Findings one : all) {
      findings.add(Objects.requireNonNull(one));
    }
    return findings;
  }

  private Findings judge(Path image, Mode mode) throws IOException {
    try {
      return judge(ImageFile.read(image), mode);
    } catch (UnreadableImageException e) {
      throw new IOException(image + ": " + e.getMessage(), e);
    }
  }

  /** Frees the backends; waits for what is being judged. */
  @Override
  public void close() {
    backends.values().forEach(Backend::close);
  }
}
