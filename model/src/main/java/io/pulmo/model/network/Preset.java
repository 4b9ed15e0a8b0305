package io.pulmo.model.network;

import io.pulmo.model.image.Preprocessing;
import java.util.List;

/** A network and the image sizes that go with it. */
public enum Preset {
  /**
   * Learns the generator's findings in minutes on two cores: 65,262 learned numbers, crops of 64
   * out of 72 pixels.
   */
  SMALL("small", new DenseNetSpec(16, 16, 2, List.of(3, 3, 3)), Preprocessing.imageNet(72, 64)),
  /** CheXNet's DenseNet-121: crops of 224 out of 256 pixels. */
  CHEXNET(
      "chexnet",
      new DenseNetSpec(64, 32, 4, List.of(6, 12, 24, 16)),
      Preprocessing.imageNet(256, 224));

  private final String label;
  private final DenseNetSpec network;
  private final Preprocessing preprocessing;

  Preset(String label, DenseNetSpec network, Preprocessing preprocessing) {
    this.label = label;
    this.network = network;
    this.preprocessing = preprocessing;
  }

  /** The name in JOB.yaml and on the command line. */
  public String label() {
    return label;
  }

  /** The network. */
  public DenseNetSpec network() {
    return network;
  }

  /** The image sizes and the normalization. */
  public Preprocessing preprocessing() {
    return preprocessing;
  }
}
