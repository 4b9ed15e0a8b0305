package io.pulmo.worker;

import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.net.Loss;
import io.pulmo.worker.device.GradientDevice;

/** Makes a device for a run. */
@FunctionalInterface
interface DeviceFactory {
  /** A device without weights yet. */
  GradientDevice create(DenseNetSpec network, Loss loss, int threads);
}
