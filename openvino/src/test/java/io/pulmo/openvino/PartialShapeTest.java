package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

class PartialShapeTest {
  private static final PartialShape OPEN =
      PartialShape.of(
          Dimension.ANY,
          Dimension.of(3),
          new Dimension(1, 8),
          new Dimension(2, Dimension.UNBOUNDED));

  @Test
  void toString_everyKind_isOpenVinosNotation() {
    assertEquals("[?,3,1..8,2..]", OPEN.toString());
    assertEquals("[...]", PartialShape.ANY.toString());
    assertEquals("[]", PartialShape.of(new long[0]).toString());
  }

  @Test
  void lengths_fixedOrNot_areThereOrRefused() {
    assertEquals(List.of(1L, 2L), PartialShape.of(1, 2).lengths());
    assertTrue(PartialShape.of(new long[0]).isFixed());
    assertFalse(PartialShape.ANY.isFixed());
    assertThrows(IllegalStateException.class, OPEN::lengths);
  }

  @Test
  void dimension_backwards_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Dimension(3, 2));
    assertThrows(IllegalArgumentException.class, () -> PartialShape.of(-2));
    assertThrows(
        IllegalArgumentException.class, () -> new PartialShape(false, List.of(Dimension.ANY)));
  }

  @Test
  void nativeLayout_thereAndBack_isTheSame() {
    try (Arena arena = Arena.ofConfined()) {
      for (PartialShape shape : List.of(OPEN, PartialShape.of(7), PartialShape.of(new long[0]))) {
        assertEquals(shape, NativeShapes.readPartial(NativeShapes.partials(arena, List.of(shape))));
      }
    }
  }
}
