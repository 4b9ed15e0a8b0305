package io.pulmo.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import io.pulmo.model.network.Preset;
import io.pulmo.openvino.CompiledModel;
import io.pulmo.openvino.Core;
import io.pulmo.openvino.InferRequest;
import io.pulmo.openvino.Model;
import io.pulmo.openvino.NodeProfile;
import io.pulmo.openvino.OpenVinoNotFoundException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which kernels OpenVINO runs for the DenseNet-121 that the quantizer makes. */
@Timeout(300)
class IntegerKernelsTest {
  private static final int CROP_PIXELS = Preset.CHEXNET.preprocessing().cropPixels();
  private static final Quantizer QUANTIZER =
      new Quantizer(
          Calibrations.random(
              FoldedNetwork.of(RandomWeights.of(Preset.CHEXNET.network(), 1)), CROP_PIXELS, 2));

  @Test
  void convolutions_allQuantized_allRunInInt8() {
    assertEquals(Map.of(true, 120L), convolutionsByInt8(profile(Set.of())));
  }

  @Test
  void convolutions_keptFloat_areTheOnlyOnesNotInInt8() {
    Set<String> kept =
        Set.of("features.denseblock2.denselayer3.conv2", "features.denseblock4.denselayer1.conv1");
    assertEquals(Map.of(true, 118L, false, 2L), convolutionsByInt8(profile(kept)));
  }

  /** How many convolutions ran in int8, and how many in something else. */
  private static Map<Boolean, Long> convolutionsByInt8(List<NodeProfile> nodes) {
    return nodes.stream()
        .filter(node -> node.type().equals("Convolution"))
        .filter(node -> node.status() == NodeProfile.Status.EXECUTED)
        .collect(
            Collectors.groupingBy(node -> node.execType().endsWith("_I8"), Collectors.counting()));
  }

  private static List<NodeProfile> profile(Set<String> keepFloat) {
    try (Core core = Core.create();
        Model model = core.readModel(QUANTIZER.onnx(WeightRange.HALF, keepFloat))) {
      model.reshape(1, 3, CROP_PIXELS, CROP_PIXELS);
      try (CompiledModel compiled =
              core.compile(
                  model, "CPU", Map.of("PERF_COUNT", "YES", "INFERENCE_PRECISION_HINT", "f32"));
          InferRequest request = compiled.createInferRequest()) {
        request.inputTensor(0);
        request.infer();
        return request.profiling();
      }
    } catch (OpenVinoNotFoundException e) {
      return abort("skipped: " + e.getMessage());
    }
  }
}
