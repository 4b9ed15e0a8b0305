package io.pulmo.net;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import io.pulmo.model.network.DenseNetSpec;
import java.util.Map;
import java.util.Objects;

/**
 * One pass of crops through the network, as torchvision's DenseNet computes it.
 *
 * <p>Each intermediate array is closed as soon as the next one is computed: what the backward pass
 * needs, libtorch keeps by itself, and nothing more stays in memory.
 *
 * @param spec the network
 * @param arrays parameters by name; while training, the statistics' arrays are overwritten with the
 *     batch's mean and unbiased variance
 * @param training whether batch norms use the batch's statistics instead of the given ones
 */
record Forward(DenseNetSpec spec, Map<String, NDArray> arrays, boolean training) {
  private static final Shape ONE = new Shape(1, 1);
  private static final Shape TWO = new Shape(2, 2);
  private static final Shape NO_PADDING = new Shape(0, 0);

  /** The logits [count, 14] of crops [count, 3, side, side]. */
  NDArray logits(NDArray crops) {
    NDArray features = stem(crops);
    int blocks = spec.blocks().size();
    for (int b = 1; b <= blocks; b++) {
      for (int l = 1; l <= spec.blocks().get(b - 1); l++) {
        features = denseLayer("features.denseblock" + b + ".denselayer" + l, features);
      }
      if (b < blocks) {
        features = transition("features.transition" + b, features);
      }
    }
    try (NDArray last = features;
        NDArray active = normRelu("features.norm" + (blocks + 1), last);
        NDArray pooled = Pool.globalAvgPool2d(active)) {
      return Linear.linear(pooled, array("classifier.weight"), array("classifier.bias"))
          .singletonOrThrow();
    }
  }

  private NDArray stem(NDArray crops) {
    try (NDArray convolved = convolution("features.conv0.weight", crops, TWO, new Shape(3, 3));
        NDArray active = normRelu("features.norm0", convolved)) {
      return Pool.maxPool2d(active, new Shape(3, 3), TWO, ONE, false);
    }
  }

  /** Appends growthRate channels; closes the features given. */
  private NDArray denseLayer(String name, NDArray features) {
    try (NDArray before = features;
        NDArray active1 = normRelu(name + ".norm1", before);
        NDArray bottleneck = convolution(name + ".conv1.weight", active1, ONE, NO_PADDING);
        NDArray active2 = normRelu(name + ".norm2", bottleneck);
        NDArray grown = convolution(name + ".conv2.weight", active2, ONE, ONE)) {
      return NDArrays.concat(new NDList(before, grown), 1);
    }
  }

  /** Halves the channels and the sides; closes the features given. */
  private NDArray transition(String name, NDArray features) {
    try (NDArray before = features;
        NDArray active = normRelu(name + ".norm", before);
        NDArray halved = convolution(name + ".conv.weight", active, ONE, NO_PADDING)) {
      return Pool.avgPool2d(halved, TWO, TWO, NO_PADDING, false, false);
    }
  }

  private NDArray normRelu(String name, NDArray input) {
    // Axis -1 is the native call on axis 1, without DJL's swapping of axes. DJL's momentum is what
    // stays of the old statistics: 0 leaves exactly the batch's.
    try (NDArray normed =
        BatchNorm.batchNorm(
                input,
                array(name + ".running_mean"),
                array(name + ".running_var"),
                array(name + ".weight"),
                array(name + ".bias"),
                -1,
                0,
                DenseNetSpec.BATCH_NORM_EPSILON,
                training)
            .singletonOrThrow()) {
      return Activation.relu(normed);
    }
  }

  private NDArray convolution(String name, NDArray input, Shape stride, Shape padding) {
    return Conv2d.conv2d(input, array(name), null, stride, padding).singletonOrThrow();
  }

  private NDArray array(String name) {
    return Objects.requireNonNull(arrays.get(name), name);
  }
}
