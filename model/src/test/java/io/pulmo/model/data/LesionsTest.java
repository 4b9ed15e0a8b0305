package io.pulmo.model.data;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LesionsTest {
  private static final int SIZE = 128;

  /** The halo of a mass or nodule lies outside its box, and is half of the whole change. */
  private static final double LEAST_SHARE = 0.5;

  private static final double LEAST_CONTRAST = 20;

  @ParameterizedTest
  @EnumSource
  void plant_eachFinding_changesTheImageWhereItsBoxesAre(Finding finding) {
    for (long seed = 0; seed < 20; seed++) {
      byte[] without = drawn(Optional.empty(), seed, new ArrayList<>());
      List<Lesions.Box> boxes = new ArrayList<>();
      byte[] with = drawn(Optional.of(finding), seed, boxes);
      long inside = 0;
      long pixelsInside = 0;
      long all = 0;
      for (int i = 0; i < with.length; i++) {
        int change = Math.abs((with[i] & 0xFF) - (without[i] & 0xFF));
        all += change;
        if (isInside(boxes, i % SIZE, i / SIZE)) {
          inside += change;
          pixelsInside++;
        }
      }
      double share = (double) inside / all;
      double contrast =
          ((double) inside / pixelsInside)
              / Math.max(1e-9, (double) (all - inside) / (with.length - pixelsInside));
      assertTrue(
          share > LEAST_SHARE && contrast > LEAST_CONTRAST,
          "seed %d: %.2f of the change is inside, %.1f times as much a pixel as outside"
              .formatted(seed, share, contrast));
    }
  }

  private static boolean isInside(List<Lesions.Box> boxes, int x, int y) {
    return boxes.stream()
        .anyMatch(
            box ->
                x >= box.x()
                    && x < box.x() + box.width()
                    && y >= box.y()
                    && y < box.y() + box.height());
  }

  /** The same chest for the same seed, without vessels and grain, with one finding or none. */
  private static byte[] drawn(Optional<Finding> finding, long seed, List<Lesions.Box> boxes) {
    SplittableRandom random = new SplittableRandom(seed);
    Thorax thorax = new Thorax(new Thorax(random), random);
    thorax.grain = 0;
    Canvas canvas = new Canvas(SIZE, thorax);
    Lesions lesions = new Lesions(thorax, canvas, random);
    Optional<Runnable> paint = finding.map(lesions::plant);
    canvas.add(thorax::brightness);
    paint.ifPresent(Runnable::run);
    boxes.addAll(lesions.boxes());
    return canvas.expose(0);
  }
}
