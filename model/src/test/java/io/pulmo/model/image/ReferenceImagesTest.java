package io.pulmo.model.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What Pillow and torchvision make of images of every kind, against what Pulmo makes of them. */
class ReferenceImagesTest {
  @Test
  void resizedAndCropped_referencePngs_matchPillowAndTorchvision()
      throws IOException, UnreadableImageException, NoSuchAlgorithmException {
    Path folder = SharedData.required("reference/images");
    JsonNode reference =
        new ObjectMapper()
            .readTree(SharedData.required("reference/chexnet-random.json").toFile())
            .get("images");
    Preprocessing sizes = Preprocessing.imageNet(256, 224);
    ImagePipeline pipeline = new ImagePipeline(sizes);
    float[] crops = new float[Preprocessing.CROPS * sizes.cropSize()];
    int checked = 0;
    for (Map.Entry<String, JsonNode> image : reference.properties()) {
      String name = image.getKey();
      if (!name.endsWith(".png")) {
        continue;
      }
      JsonNode expected = image.getValue();
      Pixels resized = pipeline.resized(Files.readAllBytes(folder.resolve(name)));
      assertEquals(expected.at("/resized/width").asInt(), resized.width(), name);
      assertEquals(expected.at("/resized/height").asInt(), resized.height(), name);
      assertEquals(expected.at("/resized/sha256_rgb").asText(), sha256OfRgb(resized), name);
      pipeline.tenCrops(resized, crops, 0);
      for (int crop = 0; crop < Preprocessing.CROPS; crop++) {
        double sum = 0;
        for (int i = 0; i < sizes.cropSize(); i++) {
          sum += crops[crop * sizes.cropSize() + i];
        }
        double wanted = expected.get("tensor_sum_per_crop").get(crop).asDouble();
        assertEquals(wanted, sum, 1e-6 * Math.max(1, Math.abs(wanted)), name + ", crop " + crop);
      }
      checked++;
    }
    assertTrue(checked >= 5, "only " + checked + " PNG images among the reference values");
  }

  private static String sha256OfRgb(Pixels pixels) throws NoSuchAlgorithmException {
    byte[] rgb = pixels.values();
    if (pixels.channels() == 1) {
      rgb = new byte[3 * pixels.values().length];
      for (int i = 0; i < rgb.length; i++) {
        rgb[i] = pixels.values()[i / 3];
      }
    }
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(rgb));
  }
}
