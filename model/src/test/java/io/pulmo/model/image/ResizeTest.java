package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ResizeTest {
  @Test
  void to_halfTheWidth_weighsNeighboursByTriangle() {
    // Output 0 has its centre at 1.0 and reaches to 3.0: distances 0.5, 0.5, 1.5 of 2 weigh 3, 3,
    // 1.
    // Output 1, at 3.0, sees pixels 1 to 3 with 1, 3, 3.
    Pixels image = new Pixels(4, 1, 1, new byte[] {0, 70, (byte) 140, (byte) 210});
    assertArrayEquals(
        new byte[] {(byte) ((3 * 70 + 140) / 7), (byte) ((70 + 3 * 140 + 3 * 210) / 7)},
        Resize.to(image, 2, 1).values());
  }

  @Test
  void to_twiceTheHeight_interpolates() {
    // Centres at -0.25 + 0.5 i: weights 1, then 3/4 and 1/4.
    Pixels image = new Pixels(1, 2, 1, new byte[] {0, 100});
    assertArrayEquals(new byte[] {0, 25, 75, 100}, Resize.to(image, 1, 4).values());
  }

  @Test
  void to_colour_keepsChannelsApart() {
    Pixels image = new Pixels(2, 1, 3, new byte[] {10, 20, 30, 30, 40, 50});
    assertArrayEquals(new byte[] {20, 30, 40}, Resize.to(image, 1, 1).values());
  }

  @Test
  void to_constantImage_staysConstant() {
    byte[] values = new byte[37 * 41];
    Arrays.fill(values, (byte) 255);
    for (byte value : Resize.to(new Pixels(37, 41, 1, values), 10, 90).values()) {
      assertEquals((byte) 255, value);
    }
  }

  @Test
  void shorterSide_ofEitherShape_roundsTheLongerDown() {
    Pixels wide = Resize.shorterSide(new Pixels(511, 233, 1, new byte[511 * 233]), 256);
    assertEquals(561, wide.width());
    assertEquals(256, wide.height());
    Pixels tall = Resize.shorterSide(new Pixels(257, 300, 1, new byte[257 * 300]), 256);
    assertEquals(256, tall.width());
    assertEquals(298, tall.height());
  }

  @Test
  void shorterSide_alreadyThere_isTheSameImage() {
    Pixels image = new Pixels(3, 5, 1, new byte[15]);
    assertSame(image, Resize.shorterSide(image, 3));
  }
}
