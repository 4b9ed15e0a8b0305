package io.pulmo.model.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsFileTest {
  private static final DenseNetSpec TINY = new DenseNetSpec(4, 4, 2, List.of(2, 2));

  @TempDir Path directory = Path.of("");

  @Test
  void write_weights_readBackTheSame() throws IOException {
    Weights weights = Initialization.random(TINY, 1);
    Path file = directory.resolve("w.safetensors");
    WeightsFile.write(file, weights);
    Weights read = WeightsFile.read(file, TINY);
    assertArrayEquals(weights.learned(), read.learned());
    assertArrayEquals(weights.statistics(), read.statistics());
    assertEquals(List.copyOf(weights.tensors().keySet()), List.copyOf(read.tensors().keySet()));
  }

  @Test
  void read_counterOfBatches_isPassedOver() throws IOException {
    Path file = directory.resolve("w.safetensors");
    WeightsFile.write(file, Initialization.random(TINY, 1));
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[(int) bytes.getLong()];
    bytes.get(header);
    int data = bytes.remaining();
    String counter =
        "{\"features.norm0.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],"
            + "\"data_offsets\":[%d,%d]},".formatted(data, data + 8);
    String json = counter + new String(header, StandardCharsets.UTF_8).substring(1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length()).array());
    out.write(json.getBytes(StandardCharsets.UTF_8));
    out.write(bytes.array(), bytes.position(), data);
    out.write(new byte[8]);
    Files.write(file, out.toByteArray());
    assertArrayEquals(
        Initialization.random(TINY, 1).learned(), WeightsFile.read(file, TINY).learned());
  }

  @Test
  void read_anotherNetwork_namesWhatDiffers() throws IOException {
    Path file = directory.resolve("w.safetensors");
    WeightsFile.write(file, Initialization.random(TINY, 1));
    WeightsFileException e =
        assertThrows(
            WeightsFileException.class, () -> WeightsFile.read(file, Preset.SMALL.network()));
    assertTrue(
        String.valueOf(e.getMessage()).contains("features.conv0.weight has shape [4, 3, 7, 7]"),
        e::getMessage);
  }

  @Test
  void read_surplusArray_isNamed() throws IOException {
    Path file = directory.resolve("w.safetensors");
    SequencedMap<String, Tensor> tensors =
        new LinkedHashMap<>(Initialization.random(TINY, 1).tensors());
    tensors.put("stray", new Tensor(List.of(), new float[1]));
    Safetensors.write(file, tensors, Map.of());
    WeightsFileException e =
        assertThrows(WeightsFileException.class, () -> WeightsFile.read(file, TINY));
    assertTrue(String.valueOf(e.getMessage()).contains("surplus stray"), e::getMessage);
  }
}
