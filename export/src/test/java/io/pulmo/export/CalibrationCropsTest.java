package io.pulmo.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationCropsTest {
  private final ImagePipeline pipeline = new ImagePipeline(Preprocessing.imageNet(8, 5));

  @Test
  void oneOfEach_twelveImages_goesRoundTheTenCrops(@TempDir Path folder) throws Exception {
    List<Path> images = images(folder, 12);
    List<float[]> crops = new ArrayList<>();
    CalibrationCrops.oneOfEach(pipeline, images).forEach(crops::add);
    assertEquals(12, crops.size());
    for (int i = 0; i < 12; i++) {
      assertArrayEquals(crop(images.get(i), i % 10), crops.get(i), "image " + i);
    }
  }

  @Test
  void tenOfEach_twoImages_givesAllOfEither(@TempDir Path folder) throws Exception {
    List<Path> images = images(folder, 2);
    List<float[]> crops = new ArrayList<>();
    CalibrationCrops.tenOfEach(pipeline, images).forEach(crops::add);
    assertEquals(20, crops.size());
    for (int i = 0; i < 20; i++) {
      assertArrayEquals(crop(images.get(i / 10), i % 10), crops.get(i), "crop " + i);
    }
  }

  @Test
  void iterator_brokenImage_isNamed(@TempDir Path folder) throws IOException {
    Path broken = Files.write(folder.resolve("broken.png"), new byte[] {1, 2, 3});
    UncheckedIOException e =
        assertThrows(
            UncheckedIOException.class,
            () -> CalibrationCrops.oneOfEach(pipeline, List.of(broken)).iterator().next());
    assertTrue(e.toString().contains("broken.png"), e.toString());
  }

  @Test
  void oneOfEach_ofImagesFromElsewhere_asksForEachByItsName(@TempDir Path folder) throws Exception {
    List<Path> images = images(folder, 2);
    List<String> names = List.of("a", "b");
    List<float[]> crops = new ArrayList<>();
    CalibrationCrops.oneOfEach(
            pipeline, names, name -> Files.readAllBytes(images.get(names.indexOf(name))))
        .forEach(crops::add);
    assertArrayEquals(crop(images.get(1), 1), crops.get(1));

    UncheckedIOException lost =
        assertThrows(
            UncheckedIOException.class,
            () ->
                CalibrationCrops.oneOfEach(
                        pipeline,
                        List.of("c.png"),
                        name -> {
                          throw new IOException("nobody holds it");
                        })
                    .forEach(crops::add));
    assertTrue(lost.toString().contains("c.png: nobody holds it"), lost.toString());
  }

  @Test
  void spread_longList_isTakenEvenly() {
    List<Path> names = IntStream.range(0, 10).mapToObj(i -> Path.of("" + i)).toList();
    assertEquals(
        List.of(Path.of("0"), Path.of("3"), Path.of("6")), CalibrationCrops.spread(names, 3));
    assertEquals(names, CalibrationCrops.spread(names, 10));
    assertEquals(names, CalibrationCrops.spread(names, 300));
  }

  private float[] crop(Path image, int crop) throws Exception {
    int size = pipeline.preprocessing().cropSize();
    float[] all = new float[Preprocessing.CROPS * size];
    pipeline.tenCrops(pipeline.resized(Files.readAllBytes(image)), all, 0);
    return Arrays.copyOfRange(all, crop * size, (crop + 1) * size);
  }

  private static List<Path> images(Path folder, int count) throws IOException {
    List<Path> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      BufferedImage image = new BufferedImage(9, 11, BufferedImage.TYPE_BYTE_GRAY);
      for (int y = 0; y < 11; y++) {
        for (int x = 0; x < 9; x++) {
          image.getRaster().setSample(x, y, 0, (i * 31 + x * 17 + y * 23) & 0xFF);
        }
      }
      Path file = folder.resolve(i + ".png");
      ImageIO.write(image, "png", file.toFile());
      images.add(file);
    }
    return images;
  }
}
