package io.pulmo.model.network;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class DenseNetSpecTest {
  @Test
  void chexnet_learnedSize_isDenseNet121WithFourteenOutputs() {
    // torchvision's densenet121 has 7,978,856 parameters, 1,025,000 of them in its 1000-class head.
    assertEquals(7_978_856 - 1_025_000 + 14 * 1024 + 14, Preset.CHEXNET.network().learnedSize());
  }

  @Test
  void small_learnedSize_isThePrototypes() {
    assertEquals(65_262, Preset.SMALL.network().learnedSize());
  }
}
