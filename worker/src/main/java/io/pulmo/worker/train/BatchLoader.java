package io.pulmo.worker.train;

import io.pulmo.model.Finding;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.worker.device.Batch;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A background thread that crops this member's samples of the coming steps: one batch ready, one in
 * the making, while one is in use.
 */
final class BatchLoader implements AutoCloseable {
  private static final int BUFFERS = 3;
  private static final long ASK_MILLIS = 10;

  private sealed interface Loaded {
    record Ready(Batch batch) implements Loaded {}

    record Failed(TrainingException why) implements Loaded {}
  }

  /** Arrays for one batch. */
  private record Buffer(float[] crops, float[] labels) {}

  private final Samples samples;
  private final Sampler sampler;
  private final List<Integer> shares;
  private final int rank;
  private final int epochs;
  private final ExecutorService decoders;
  private final BlockingQueue<Buffer> free = new ArrayBlockingQueue<>(BUFFERS);
  private final BlockingQueue<Loaded> ready = new ArrayBlockingQueue<>(BUFFERS);
  private final Thread thread;
  private @Nullable Buffer inUse;

  /**
   * Starts to load from a step on, to the last epoch's end.
   *
   * @param decoders run the samples of a batch side by side
   */
  BatchLoader(
      Samples samples,
      Sampler sampler,
      List<Integer> shares,
      int rank,
      long firstStep,
      int epochs,
      ExecutorService decoders) {
    this.samples = samples;
    this.sampler = sampler;
    this.shares = shares;
    this.rank = rank;
    this.epochs = epochs;
    this.decoders = decoders;
    int most = largestPart();
    for (int i = 0; i < BUFFERS; i++) {
      free.add(
          new Buffer(
              new float[Math.multiplyExact(most, samples.cropsSize())],
              new float[most * Finding.COUNT]));
    }
    this.thread = Thread.ofPlatform().daemon().name("batch-loader").start(() -> load(firstStep));
  }

  private int largestPart() {
    int most = 0;
    for (int step = 0; step < sampler.stepsPerEpoch(); step++) {
      most = Math.max(most, Sampler.part(sampler.batchOf(step), shares, rank).size());
    }
    return most;
  }

  /**
   * This member's part of the next step, valid until the next call; it may be empty. Null if it
   * would have to be waited for and need not be any more.
   */
  @Nullable Batch next(BooleanSupplier wanted) throws TrainingException, InterruptedException {
    if (inUse != null) {
      free.add(inUse);
      inUse = null;
    }
    Loaded next = ready.poll();
    while (next == null) {
      if (!wanted.getAsBoolean()) {
        return null;
      }
      next = ready.poll(ASK_MILLIS, TimeUnit.MILLISECONDS);
    }
    return switch (next) {
      case Loaded.Ready loaded -> {
        inUse = new Buffer(loaded.batch.crops(), loaded.batch.labels());
        yield loaded.batch;
      }
      case Loaded.Failed failed -> throw failed.why;
    };
  }

  private void load(long firstStep) {
    int perEpoch = sampler.stepsPerEpoch();
    int step = (int) (firstStep % perEpoch);
    try {
      for (int epoch = (int) (firstStep / perEpoch); epoch < epochs; epoch++) {
        int[] order = sampler.order(epoch);
        for (; step < perEpoch; step++) {
          ready.put(new Loaded.Ready(fill(free.take(), order, epoch, step)));
        }
        step = 0;
      }
    } catch (TrainingException e) {
      // Never full: there are fewer buffers out than places.
      ready.add(new Loaded.Failed(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      // Whatever it is, the thread that waits for a batch must hear of it.
      ready.add(new Loaded.Failed(new TrainingException("a batch could not be prepared: " + e, e)));
    }
  }

  private Batch fill(Buffer buffer, int[] order, int epoch, int step)
      throws TrainingException, InterruptedException {
    Sampler.Range part = Sampler.part(sampler.batchOf(step), shares, rank);
    List<Callable<Boolean>> work = new ArrayList<>();
    for (int i = 0; i < part.size(); i++) {
      int at = i;
      int position = part.from() + i;
      int sample = order[position];
      samples.labels(sample, buffer.labels, i * Finding.COUNT);
      work.add(
          () -> {
            samples.crops(
                sample,
                sampler.augmentation(epoch, position),
                buffer.crops,
                at * samples.cropsSize());
            return true;
          });
    }
    runAll(decoders, work);
    return new Batch(
        buffer.crops, buffer.labels, part.size(), samples.cropsPerSample(), samples.sidePixels());
  }

  /** Runs the work side by side and waits for all of it. */
  static void runAll(ExecutorService threads, List<Callable<Boolean>> work)
      throws TrainingException, InterruptedException {
    for (Future<Boolean> done : threads.invokeAll(work)) {
      try {
        done.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof TrainingException training) {
          throw training;
        }
        throw new TrainingException("an image could not be prepared: " + e.getCause(), e);
      }
    }
  }

  /** Ends the thread, so that the decoders can go. */
  @Override
  public void close() {
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
