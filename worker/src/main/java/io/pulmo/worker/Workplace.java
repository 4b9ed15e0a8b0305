package io.pulmo.worker;

import io.pulmo.export.BundleExporter;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.node.LeaderFollower;
import io.pulmo.worker.data.ImagePeers;
import io.pulmo.worker.ring.RingPlan;
import io.pulmo.worker.ring.RingService;
import io.pulmo.worker.rpc.ImageServing;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;

/**
 * What all jobs of a worker share.
 *
 * @param self as the other members of a ring see it
 * @param data under which a job's images lie
 * @param limits on the images
 * @param state folder of its own
 * @param leader where files come from and bundles go
 * @param rings the process's end of its rings
 * @param images what peers are given of a job's images
 * @param peers where images come from that are not here
 * @param devices makes what computes gradients
 * @param exporter makes bundles
 * @param events what happens to its state
 * @param clock gives bundles their version
 */
record Workplace(
    RingPlan.Peer self,
    Optional<Path> data,
    ImageLimits limits,
    Path state,
    LeaderFollower leader,
    RingService rings,
    ImageServing images,
    ImagePeers peers,
    DeviceFactory devices,
    BundleExporter exporter,
    EventLog events,
    Clock clock) {
  /** Of the worker, for messages. */
  String name() {
    return self.name();
  }

  Path blobs() {
    return state.resolve("blobs");
  }

  Path job(String jobId) {
    return state.resolve(jobId);
  }
}
