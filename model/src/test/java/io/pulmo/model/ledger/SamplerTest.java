package io.pulmo.model.ledger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SamplerTest {
  @Property(tries = 300)
  void epoch_anyShares_hasEachSampleOnce(
      @ForAll @IntRange(min = 1, max = 300) int samples,
      @ForAll @IntRange(min = 1, max = 64) int batch,
      @ForAll long seed,
      @ForAll @IntRange(max = 50) int epoch,
      @ForAll @Size(min = 1, max = 6) List<@IntRange(max = 20) Integer> drawn) {
    List<Integer> shares =
        drawn.stream().mapToInt(s -> s).sum() == 0 ? List.of(1, 0, 3) : List.copyOf(drawn);
    Sampler sampler = new Sampler(samples, batch, seed);
    int[] order = sampler.order(epoch);
    int[] seen = new int[samples];
    int position = 0;
    for (int step = 0; step < sampler.stepsPerEpoch(); step++) {
      int size = sampler.batchOf(step).size();
      assertTrue(size <= batch && size >= Math.min(samples, batch) / 2, () -> "size " + size);
      for (int rank = 0; rank < shares.size(); rank++) {
        Sampler.Range part = Sampler.part(sampler.batchOf(step), shares, rank);
        assertEquals(position, part.from());
        for (int i = part.from(); i < part.to(); i++) {
          seen[order[i]]++;
        }
        position = part.to();
      }
    }
    assertEquals(samples, position);
    int[] once = new int[samples];
    Arrays.fill(once, 1);
    assertArrayEquals(once, seen);
  }

  @Property(tries = 100)
  void part_sharesInProportion_differsByLessThanOneSample(
      @ForAll @IntRange(min = 1, max = 200) int batch,
      @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 1, max = 9) Integer> shares) {
    double total = shares.stream().mapToInt(s -> s).sum();
    for (int rank = 0; rank < shares.size(); rank++) {
      int size = Sampler.part(new Sampler.Range(0, batch), shares, rank).size();
      assertEquals(batch * shares.get(rank) / total, size, 1);
    }
  }

  @Test
  void order_otherEpochOrSeed_isAnother() {
    Sampler sampler = new Sampler(100, 10, 7);
    assertArrayEquals(sampler.order(3), new Sampler(100, 16, 7).order(3));
    assertFalse(Arrays.equals(sampler.order(3), sampler.order(4)));
    assertFalse(Arrays.equals(sampler.order(3), new Sampler(100, 10, 8).order(3)));
  }

  @Test
  void augmentation_ofAPosition_dependsOnEpochAndPositionAlone() {
    Sampler sampler = new Sampler(100, 10, 7);
    long drawn = sampler.augmentation(3, 50).nextLong();
    assertEquals(drawn, new Sampler(100, 16, 7).augmentation(3, 50).nextLong());
    assertNotEquals(drawn, sampler.augmentation(3, 51).nextLong());
    assertNotEquals(drawn, sampler.augmentation(4, 50).nextLong());
  }
}
