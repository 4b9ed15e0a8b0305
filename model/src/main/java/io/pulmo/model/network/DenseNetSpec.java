package io.pulmo.model.network;

import io.pulmo.model.Finding;
import java.util.ArrayList;
import java.util.List;

/**
 * The shape of a DenseNet with fourteen sigmoid outputs (Huang et al., "Densely Connected
 * Convolutional Networks", 2017), as torchvision builds it: a stem of one 7 × 7 convolution of
 * stride 2 and a max-pool, dense blocks with transitions that halve the channels between them, a
 * last batch norm, global average pooling and a linear classifier.
 *
 * @param stemChannels channels after the first convolution
 * @param growthRate channels that each dense layer adds
 * @param bottleneckFactor a dense layer's 1 × 1 convolution has this many times growthRate channels
 * @param blocks the number of layers of each dense block
 */
public record DenseNetSpec(
    int stemChannels, int growthRate, int bottleneckFactor, List<Integer> blocks) {
  /** Colour channels of the input, in the order red, green, blue. */
  public static final int INPUT_CHANNELS = 3;

  /** The epsilon of every batch norm. */
  public static final float BATCH_NORM_EPSILON = 1e-5f;

  /** How far one step moves the running statistics towards the batch's. */
  public static final float BATCH_NORM_MOMENTUM = 0.1f;

  /** Checks that every number is positive and the network not absurdly large. */
  public DenseNetSpec {
    blocks = List.copyOf(blocks);
    check("stemChannels", stemChannels, 1024);
    check("growthRate", growthRate, 256);
    check("bottleneckFactor", bottleneckFactor, 16);
    check("number of blocks", blocks.size(), 8);
    for (int layers : blocks) {
      check("layers of a block", layers, 128);
    }
  }

  private static void check(String what, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(
          what + " is " + value + ", expected a number from 1 to " + most);
    }
  }

  /** What a parameter is for. */
  public enum Kind {
    /** Learned by gradient: convolutions, batch norms' scale and shift, the classifier. */
    LEARNED,
    /** A batch norm's running mean. */
    RUNNING_MEAN,
    /** A batch norm's running variance (unbiased, as PyTorch keeps it). */
    RUNNING_VARIANCE
  }

  /**
   * A named array of the network.
   *
   * @param name as torchvision names it, such as {@code
   *     features.denseblock1.denselayer1.conv1.weight}
   * @param shape its dimensions; convolutions are [out, in, height, width]
   * @param kind what it is for
   */
  public record Parameter(String name, List<Integer> shape, Kind kind) {
    /** The product of the dimensions. */
    public int size() {
      return shape.stream().reduce(1, Math::multiplyExact);
    }
  }

  /** All arrays in the order of torchvision's state dict, without {@code num_batches_tracked}. */
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>();
    convolution(all, "features.conv0", stemChannels, INPUT_CHANNELS, 7);
    batchNorm(all, "features.norm0", stemChannels);
    int channels = stemChannels;
    for (int b = 0; b < blocks.size(); b++) {
      for (int l = 0; l < blocks.get(b); l++) {
        String layer = "features.denseblock" + (b + 1) + ".denselayer" + (l + 1);
        batchNorm(all, layer + ".norm1", channels);
        convolution(all, layer + ".conv1", bottleneckFactor * growthRate, channels, 1);
        batchNorm(all, layer + ".norm2", bottleneckFactor * growthRate);
        convolution(all, layer + ".conv2", growthRate, bottleneckFactor * growthRate, 3);
        channels += growthRate;
      }
      if (b < blocks.size() - 1) {
        String transition = "features.transition" + (b + 1);
        batchNorm(all, transition + ".norm", channels);
        convolution(all, transition + ".conv", channels / 2, channels, 1);
        channels /= 2;
      }
    }
    batchNorm(all, "features.norm" + (blocks.size() + 1), channels);
    all.add(new Parameter("classifier.weight", List.of(Finding.COUNT, channels), Kind.LEARNED));
    all.add(new Parameter("classifier.bias", List.of(Finding.COUNT), Kind.LEARNED));
    return List.copyOf(all);
  }

  /**
   * The learned arrays in order: laid end to end, they are the flat vector of weights and of
   * gradients.
   */
  public List<Parameter> learned() {
    return parameters().stream().filter(p -> p.kind() == Kind.LEARNED).toList();
  }

  /**
   * The running statistics in order: mean then variance of each batch norm; laid end to end, the
   * flat vector of statistics.
   */
  public List<Parameter> statistics() {
    return parameters().stream().filter(p -> p.kind() != Kind.LEARNED).toList();
  }

  /** The length of the flat vector of weights. */
  public int learnedSize() {
    return learned().stream().mapToInt(Parameter::size).sum();
  }

  /** The length of the flat vector of statistics. */
  public int statisticsSize() {
    return statistics().stream().mapToInt(Parameter::size).sum();
  }

  private static void convolution(List<Parameter> all, String name, int out, int in, int side) {
    all.add(new Parameter(name + ".weight", List.of(out, in, side, side), Kind.LEARNED));
  }

  private static void batchNorm(List<Parameter> all, String name, int channels) {
    List<Integer> shape = List.of(channels);
    all.add(new Parameter(name + ".weight", shape, Kind.LEARNED));
    all.add(new Parameter(name + ".bias", shape, Kind.LEARNED));
    all.add(new Parameter(name + ".running_mean", shape, Kind.RUNNING_MEAN));
    all.add(new Parameter(name + ".running_var", shape, Kind.RUNNING_VARIANCE));
  }
}
