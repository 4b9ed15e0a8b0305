package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class TransposeTest {
  @Property(tries = 300)
  void rowsToColumns_andBack_isTheMatrix(
      @ForAll @IntRange(min = 1, max = 70) int rows,
      @ForAll @IntRange(min = 1, max = 70) int columns,
      @ForAll long seed) {
    byte[] matrix = new byte[rows * columns];
    new SplittableRandom(seed).nextBytes(matrix);
    int columnBytes = rows + 3;
    byte[] turned = new byte[columns * columnBytes];
    Transpose.rowsToColumns(matrix, 0, columns, rows, turned, columnBytes);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        assertEquals(matrix[row * columns + column], turned[column * columnBytes + row]);
      }
    }
    byte[] back = new byte[matrix.length];
    Transpose.columnsToRows(turned, columnBytes, columns, rows, back, 0);
    assertArrayEquals(matrix, back);
  }
}
