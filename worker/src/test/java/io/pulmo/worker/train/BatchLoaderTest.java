package io.pulmo.worker.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.worker.device.Batch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BatchLoaderTest {
  private static final int SIDE = 4;
  private static final int CROP = 3 * SIDE * SIDE;
  private static final Sampler SAMPLER = new Sampler(50, 8, 11);
  private static final int EPOCHS = 3;

  private final ExecutorService decoders = Executors.newFixedThreadPool(3);

  @AfterEach
  void stop() {
    decoders.shutdownNow();
  }

  @Test
  void next_anyShares_givesEachSampleWhatItGetsAlone() throws Exception {
    float[][] alone = crops(List.of(1), new int[] {0});
    float[][] three = crops(List.of(1, 5, 2), new int[] {0, 1, 2});
    assertEquals(EPOCHS * SAMPLER.samples(), alone.length);
    for (int i = 0; i < alone.length; i++) {
      assertArrayEquals(alone[i], three[i], "sample at " + i);
    }
  }

  /** The crops of all members' batches in the order of the epochs' positions. */
  private float[][] crops(List<Integer> shares, int[] ranks) throws Exception {
    List<float[]> all = new ArrayList<>();
    List<BatchLoader> loaders = new ArrayList<>();
    for (int rank : ranks) {
      BatchLoader loader = loader(new Drawn(), 1 << 20);
      loader.restart(shares, rank, 0);
      loaders.add(loader);
    }
    for (int step = 0; step < EPOCHS * SAMPLER.stepsPerEpoch(); step++) {
      for (BatchLoader loader : loaders) {
        Batch batch = next(loader);
        for (int i = 0; i < batch.samples(); i++) {
          float[] crop = Arrays.copyOfRange(batch.crops(), i * CROP, (i + 1) * CROP);
          float[] labels =
              Arrays.copyOfRange(batch.labels(), i * Finding.COUNT, (i + 1) * Finding.COUNT);
          // A sample's first pixel and its labels are its number.
          assertEquals(crop[0], labels[0]);
          all.add(crop);
        }
      }
    }
    loaders.forEach(BatchLoader::close);
    return all.toArray(float[][]::new);
  }

  @Test
  void restart_atAnyStepAndShare_goesOnFromThere() throws Exception {
    float[][] alone = crops(List.of(1), new int[] {0});
    Random random = new Random(5);
    BatchLoader loader = loader(new Drawn(), 100_000);
    for (int view = 0; view < 200; view++) {
      List<Integer> shares = List.of(1 + random.nextInt(4), random.nextInt(4), random.nextInt(4));
      int rank = random.nextInt(3);
      int from = random.nextInt(EPOCHS * SAMPLER.stepsPerEpoch());
      loader.restart(shares, rank, from);
      int to = Math.min(EPOCHS * SAMPLER.stepsPerEpoch(), from + random.nextInt(6));
      for (int step = from; step < to; step++) {
        int epoch = step / SAMPLER.stepsPerEpoch();
        Sampler.Range part =
            Sampler.part(SAMPLER.batchOf(step % SAMPLER.stepsPerEpoch()), shares, rank);
        Batch batch = next(loader);
        assertEquals(part.size(), batch.samples());
        for (int i = 0; i < part.size(); i++) {
          assertArrayEquals(
              alone[epoch * SAMPLER.samples() + part.from() + i],
              Arrays.copyOfRange(batch.crops(), i * CROP, (i + 1) * CROP));
        }
      }
    }
    loader.close();
  }

  @Test
  void next_nothingIsTaken_readsAheadToTheLimitAndNoFurther() throws Exception {
    long batchBytes = 4L * 8 * (CROP + Finding.COUNT);
    for (int room : new int[] {0, 2, 3, 5, 100}) {
      // The decoder that would begin one batch more is caught in the act.
      int ahead = Math.max(BatchBuffers.FEWEST, Math.min(BatchBuffers.MOST, room));
      Counted samples = new Counted(new Semaphore(1_000_000));
      BatchLoader loader = loader(samples, room * batchBytes);
      loader.restart(List.of(1), 0, 0);
      int inFirst = 0;
      for (int step = 0; step < ahead; step++) {
        inFirst += SAMPLER.batchOf(step).size();
      }
      samples.await(inFirst);
      next(loader);
      next(loader);
      // One given back: one more is made.
      samples.await(inFirst + SAMPLER.batchOf(ahead).size());
      assertEquals(inFirst + SAMPLER.batchOf(ahead).size(), samples.begun.get(), "room " + room);
      assertTrue(loader.bufferBytes() <= Math.max(2, room) * batchBytes, "room " + room);
      loader.close();
    }
  }

  @Test
  void restart_decodersAreBusy_doesNotWaitAndInterruptsThem() throws Exception {
    CountDownLatch stuck = new CountDownLatch(3);
    CountDownLatch interrupted = new CountDownLatch(3);
    AtomicInteger calls = new AtomicInteger();
    Samples samples =
        new Drawn() {
          @Override
          public void crops(int sample, RandomGenerator augmentation, float[] into, int offset)
              throws TrainingException, InterruptedException {
            if (calls.getAndIncrement() < 3) {
              stuck.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                interrupted.countDown();
                throw e;
              }
            }
            super.crops(sample, augmentation, into, offset);
          }
        };
    BatchLoader loader = loader(samples, 0);
    loader.restart(List.of(1), 0, 0);
    stuck.await();
    loader.restart(List.of(1), 0, 9);
    interrupted.await();
    Batch batch = next(loader);
    assertEquals(SAMPLER.order(1)[SAMPLER.batchOf(2).from()], batch.crops()[0]);
    loader.close();
  }

  @Test
  void next_unwantedWhileItWaits_isNullAndComesLater() throws Exception {
    Semaphore permits = new Semaphore(0);
    BatchLoader loader = loader(new Counted(permits), 0);
    loader.restart(List.of(1), 0, 0);
    AtomicInteger asked = new AtomicInteger();
    assertNull(loader.next(() -> asked.incrementAndGet() < 3));
    assertTrue(loader.dataWaitNanos() > 0);
    permits.release(1000);
    assertEquals(SAMPLER.batchOf(0).size(), next(loader).samples());
    loader.close();
  }

  @Test
  void next_sampleIsBad_failsEachTimeUntilARestart() throws Exception {
    int bad = SAMPLER.order(0)[SAMPLER.batchOf(1).from() + 2];
    Samples samples =
        new Drawn() {
          @Override
          public void crops(int sample, RandomGenerator augmentation, float[] into, int offset)
              throws TrainingException, InterruptedException {
            if (sample == bad) {
              throw new TrainingException("image " + sample + " is bad");
            }
            super.crops(sample, augmentation, into, offset);
          }
        };
    BatchLoader loader = loader(samples, 0);
    loader.restart(List.of(1), 0, 0);
    next(loader);
    for (int i = 0; i < 2; i++) {
      assertEquals(
          "image " + bad + " is bad",
          assertThrows(TrainingException.class, () -> next(loader)).getMessage());
    }
    loader.restart(List.of(1), 0, 2);
    assertEquals(SAMPLER.batchOf(2).size(), next(loader).samples());
    loader.close();
  }

  private static Batch next(BatchLoader loader) throws Exception {
    return Objects.requireNonNull(loader.next(() -> true));
  }

  private BatchLoader loader(Samples samples, long memoryBytes) {
    return new BatchLoader(samples, SAMPLER, EPOCHS, decoders, memoryBytes);
  }

  /** Samples whose first pixel is their number and whose others are drawn. */
  private static class Drawn implements Samples {
    @Override
    public int size() {
      return SAMPLER.samples();
    }

    @Override
    public int cropsPerSample() {
      return 1;
    }

    @Override
    public int sidePixels() {
      return SIDE;
    }

    @Override
    public void labels(int sample, float[] into, int offset) {
      Arrays.fill(into, offset, offset + Finding.COUNT, sample);
    }

    @Override
    public void crops(int sample, RandomGenerator augmentation, float[] into, int offset)
        throws TrainingException, InterruptedException {
      into[offset] = sample;
      for (int i = 1; i < CROP; i++) {
        into[offset + i] = augmentation.nextFloat();
      }
    }
  }

  /** Samples that need a permit each, counted as they begin. */
  private static final class Counted extends Drawn {
    private final Semaphore permits;
    private final AtomicInteger begun = new AtomicInteger();
    private final Semaphore arrivals = new Semaphore(0);
    private int awaited;

    Counted(Semaphore permits) {
      this.permits = permits;
    }

    @Override
    public void crops(int sample, RandomGenerator augmentation, float[] into, int offset)
        throws TrainingException, InterruptedException {
      begun.incrementAndGet();
      arrivals.release();
      permits.acquire();
      super.crops(sample, augmentation, into, offset);
    }

    /** Waits until so many have begun in all. */
    void await(int count) throws InterruptedException {
      assertTrue(arrivals.tryAcquire(count - awaited, 20, TimeUnit.SECONDS));
      awaited = count;
    }
  }
}
