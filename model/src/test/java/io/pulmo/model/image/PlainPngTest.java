package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class PlainPngTest {
  private static final ImageLimits ANY = new ImageLimits(1000, 1_000_000, 1000);

  @Property(tries = 2_000)
  void decode_aWholeFile_agreesWithTheGeneralWay(@ForAll long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    RandomPng.Kind kind = RandomPng.KINDS.get(random.nextInt(RandomPng.KINDS.size()));
    int width = 1 + random.nextInt(1 << random.nextInt(9));
    int height = 1 + random.nextInt(1 << random.nextInt(9));
    byte[] file = new RandomPng(random, kind, width, height).file();
    PngHeader header = PngHeader.read(file, ANY);
    Optional<Pixels> plain = PlainPng.decode(file, header);
    boolean isPlain = kind.bits() == 8 && kind.colour() != 3 && !kind.interlaced();
    assertEquals(isPlain, plain.isPresent(), kind + ", seed " + seed);
    if (plain.isPresent()) {
      Pixels expected = PngDecoder.decodeAny(file, header);
      assertEquals(expected.channels(), plain.get().channels());
      assertArrayEquals(expected.values(), plain.get().values(), kind + ", seed " + seed);
    }
  }

  /** Damage within the data, with right check sums around it. */
  @Property(tries = 1_000)
  void decode_damagedData_givesWhatTheGeneralWayGives(@ForAll long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    int[] colours = {0, 2, 4, 6};
    RandomPng.Kind kind = new RandomPng.Kind(8, colours[random.nextInt(4)], false);
    RandomPng png = new RandomPng(random, kind, 1 + random.nextInt(40), 3 + random.nextInt(30));
    byte[] rows = png.rows();
    byte[] file;
    if (random.nextBoolean()) {
      rows[random.nextInt(rows.length)] ^= (byte) (1 << random.nextInt(8));
      file = png.file(png.deflated(Arrays.copyOf(rows, rows.length - 1 + random.nextInt(3))));
    } else {
      byte[] data = png.deflated(rows);
      data[random.nextInt(data.length)] ^= (byte) (1 << random.nextInt(8));
      file = png.file(data);
    }
    PngHeader header = PngHeader.read(file, ANY);
    Optional<Pixels> plain = PlainPng.decode(file, header);
    if (plain.isPresent()) {
      Pixels expected = PngDecoder.decodeAny(file, header);
      assertArrayEquals(expected.values(), plain.get().values(), "seed " + seed);
    }
  }

  @Test
  void decode_unknownFilter_isLeftToTheGeneralWay() throws Exception {
    byte[] file =
        TestPng.start(2, 2, 8, 0)
            .chunk("IDAT", TestPng.deflated(new byte[] {0, 1, 2, 5, 3, 4}))
            .end();
    PngHeader header = PngHeader.read(file, ANY);
    assertTrue(PlainPng.decode(file, header).isEmpty());
    assertThrows(UnreadableImageException.class, () -> PngDecoder.decode(file, header));
  }
}
