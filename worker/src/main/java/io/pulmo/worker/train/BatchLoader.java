package io.pulmo.worker.train;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.Finding;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.worker.device.Batch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * This member's parts of the coming steps, cropped in the background while the device computes: as
 * far ahead as a limit of memory allows.
 *
 * <p>When the members' shares change it is told to start again at a step, which waits for nothing.
 * One thread tells it and takes the batches.
 */
public final class BatchLoader implements AutoCloseable {
  private static final long CLOSE_MILLIS = 2_000;
  private static final long ASK_MILLIS = 10;

  /** Of the heap, for batches that wait or are in the making. */
  private static final int PART_OF_HEAP = 8;

  private final Samples samples;
  private final Sampler sampler;
  private final int epochs;
  private final ExecutorService decoders;
  private final BatchBuffers buffers;
  private final AtomicLong waitNanos = new AtomicLong();
  private @Nullable Course course;

  /**
   * A loader that has nothing to do yet.
   *
   * @param decoders run the samples of a batch side by side; they end after this
   * @param memoryBytes of the batches ahead together with the one in use; two are had in any case
   */
  public BatchLoader(
      Samples samples, Sampler sampler, int epochs, ExecutorService decoders, long memoryBytes) {
    this.samples = samples;
    this.sampler = sampler;
    this.epochs = epochs;
    this.decoders = decoders;
    this.buffers = new BatchBuffers(samples.cropsSize(), memoryBytes);
  }

  /** What batches may take of this process's memory where nobody says otherwise. */
  public static long defaultMemoryBytes() {
    return Runtime.getRuntime().maxMemory() / PART_OF_HEAP;
  }

  /**
   * Loads from a step on, to the last epoch's end, and forgets what it was about. The batch that
   * was taken last is no longer valid.
   *
   * @param shares of all members
   * @param rank of this one
   */
  public void restart(List<Integer> shares, int rank, long firstStep) {
    stop();
    course = new Course(List.copyOf(shares), rank, firstStep);
    course.thread.start();
  }

  /** Forgets what it was about, until it is restarted. */
  public void stop() {
    if (course != null) {
      course.stop();
      course = null;
    }
  }

  /**
   * This member's part of the next step, valid until the next call; it may be empty. Null if it
   * would have to be waited for and is wanted no more.
   */
  public @Nullable Batch next(BooleanSupplier wanted)
      throws TrainingException, InterruptedException {
    if (course == null) {
      throw new IllegalStateException("no step to start from: restart first");
    }
    long fromNanos = System.nanoTime();
    try {
      return course.next(wanted);
    } finally {
      waitNanos.addAndGet(System.nanoTime() - fromNanos);
    }
  }

  /** How long batches have been waited for, in all. */
  public long dataWaitNanos() {
    return waitNanos.get();
  }

  /** Of the arrays of batches, in use or free. */
  long bufferBytes() {
    return buffers.bytes();
  }

  private sealed interface Loaded {
    record Ready(Batch batch, BatchBuffers.Buffer buffer) implements Loaded {}

    record Failed(TrainingException why) implements Loaded {}
  }

  /** The loading from one step on: a thread that makes one batch after the other. */
  private final class Course {
    private final List<Integer> shares;
    private final int rank;
    private final long firstStep;
    private final BatchBuffers.Account account = buffers.open();
    private final BlockingQueue<Loaded> ready = new LinkedBlockingQueue<>();
    private final Thread thread =
        Thread.ofPlatform().daemon().name("batch-loader").unstarted(this::load);
    private BatchBuffers.@Nullable Buffer inUse;

    /** Decoders that are at it, to be interrupted. */
    @GuardedBy("this")
    private final Set<Thread> busy = new HashSet<>();

    @GuardedBy("this")
    private boolean stopped;

    Course(List<Integer> shares, int rank, long firstStep) {
      this.shares = shares;
      this.rank = rank;
      this.firstStep = firstStep;
    }

    /** Does not wait: the thread ends when the decoders are done with its batch. */
    void stop() {
      synchronized (this) {
        stopped = true;
        busy.forEach(Thread::interrupt);
      }
      account.close();
      giveBack();
      drain();
    }

    private void drain() {
      for (Loaded loaded = ready.poll(); loaded != null; loaded = ready.poll()) {
        if (loaded instanceof Loaded.Ready batch) {
          account.giveBack(batch.buffer);
        }
      }
    }

    private void giveBack() {
      if (inUse != null) {
        account.giveBack(inUse);
        inUse = null;
      }
    }

    @Nullable Batch next(BooleanSupplier wanted) throws TrainingException, InterruptedException {
      giveBack();
      Loaded next = ready.poll();
      while (next == null) {
        if (!wanted.getAsBoolean()) {
          return null;
        }
        next = ready.poll(ASK_MILLIS, TimeUnit.MILLISECONDS);
      }
      return switch (next) {
        case Loaded.Ready loaded -> {
          inUse = loaded.buffer;
          yield loaded.batch;
        }
        case Loaded.Failed failed -> {
          // Whoever asks again hears it again.
          ready.add(failed);
          throw failed.why;
        }
      };
    }

    private void load() {
      try {
        loadAll();
      } catch (TrainingException e) {
        ready.add(new Loaded.Failed(e));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException | Error e) {
        // Whatever it is, the thread that waits for a batch must hear of it.
        ready.add(
            new Loaded.Failed(new TrainingException("a batch could not be prepared: " + e, e)));
      }
      if (isStopped()) {
        drain();
      }
    }

    private void loadAll() throws TrainingException, InterruptedException {
      int perEpoch = sampler.stepsPerEpoch();
      int step = (int) (firstStep % perEpoch);
      for (int epoch = (int) (firstStep / perEpoch); epoch < epochs; epoch++) {
        int[] order = sampler.order(epoch);
        for (; step < perEpoch; step++) {
          Sampler.Range part = Sampler.part(sampler.batchOf(step), shares, rank);
          BatchBuffers.Buffer buffer = account.take(part.size());
          if (buffer == null) {
            return;
          }
          boolean whole = false;
          try {
            whole = fill(buffer, order, epoch, part);
          } finally {
            if (!whole) {
              account.giveBack(buffer);
            }
          }
          if (!whole) {
            return;
          }
          ready.add(
              new Loaded.Ready(
                  new Batch(
                      buffer.crops(),
                      buffer.labels(),
                      part.size(),
                      samples.cropsPerSample(),
                      samples.sidePixels()),
                  buffer));
        }
        step = 0;
      }
    }

    /** False if it was stopped meanwhile; no decoder writes any more when it returns. */
    private boolean fill(BatchBuffers.Buffer buffer, int[] order, int epoch, Sampler.Range part)
        throws TrainingException, InterruptedException {
      CountDownLatch open = new CountDownLatch(part.size());
      List<Throwable> failures = new ArrayList<>();
      for (int i = 0; i < part.size(); i++) {
        int at = i;
        int position = part.from() + i;
        int sample = order[position];
        samples.labels(sample, buffer.labels(), i * Finding.COUNT);
        Runnable crop =
            () -> {
              try {
                crop(sample, epoch, position, buffer, at);
              } catch (TrainingException | InterruptedException | RuntimeException | Error e) {
                synchronized (failures) {
                  failures.add(e);
                }
              } finally {
                open.countDown();
              }
            };
        decoders.execute(crop);
      }
      open.await();
      if (isStopped()) {
        return false;
      }
      synchronized (failures) {
        for (Throwable failure : failures) {
          throw failure instanceof TrainingException training
              ? training
              : new TrainingException("an image could not be prepared: " + failure, failure);
        }
      }
      return true;
    }

    private void crop(int sample, int epoch, int position, BatchBuffers.Buffer buffer, int at)
        throws TrainingException, InterruptedException {
      synchronized (this) {
        if (stopped) {
          return;
        }
        busy.add(Thread.currentThread());
      }
      try {
        samples.crops(
            sample,
            sampler.augmentation(epoch, position),
            buffer.crops(),
            at * samples.cropsSize());
      } finally {
        synchronized (this) {
          busy.remove(Thread.currentThread());
        }
        // It was meant for this crop, not for the decoder's next one.
        var unused = Thread.interrupted();
      }
    }

    private synchronized boolean isStopped() {
      return stopped;
    }
  }

  /** Runs the work side by side and waits for all of it; false if it is wanted no more. */
  static boolean runAll(
      ExecutorService threads, List<Callable<Boolean>> work, BooleanSupplier wanted)
      throws TrainingException, InterruptedException {
    List<Future<Boolean>> all = work.stream().map(threads::submit).toList();
    boolean whole = false;
    try {
      for (Future<Boolean> one : all) {
        if (!await(one, wanted)) {
          return false;
        }
      }
      whole = true;
    } finally {
      if (!whole) {
        all.forEach(one -> one.cancel(true));
      }
    }
    return true;
  }

  private static boolean await(Future<Boolean> one, BooleanSupplier wanted)
      throws TrainingException, InterruptedException {
    while (wanted.getAsBoolean()) {
      try {
        return one.get(ASK_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        // Ask whether it is still wanted: an image may have to come from a peer that is gone.
      } catch (ExecutionException e) {
        if (e.getCause() instanceof TrainingException training) {
          throw training;
        }
        throw new TrainingException("an image could not be prepared: " + e.getCause(), e);
      }
    }
    return false;
  }

  /** Ends the loading, so that the decoders can go. */
  @Override
  public void close() {
    Course last = course;
    stop();
    if (last != null) {
      try {
        last.thread.join(CLOSE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
