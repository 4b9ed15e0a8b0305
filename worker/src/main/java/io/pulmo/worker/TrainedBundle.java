package io.pulmo.worker;

import io.pulmo.export.BundleExporter.Request;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.node.Blobs;
import io.pulmo.worker.rpc.RunOrder;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;

/** The best epoch's weights on their way to the leader, as a bundle. */
final class TrainedBundle {
  // A later training of the same model must have a greater version, whoever computes it: the time
  // in UTC.
  private static final DateTimeFormatter VERSION =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss").withZone(ZoneOffset.UTC);

  private TrainedBundle() {}

  /**
   * Exports the bundle and stores its files, then its manifest, with the leader.
   *
   * @return the manifest's SHA-256
   */
  static String publish(Workplace workplace, RunOrder order, JobSpec job, TrainingState state)
      throws IOException, InterruptedException {
    Preprocessing preprocessing = job.preset().preprocessing();
    Weights best =
        Weights.ofFlat(job.preset().network(), state.bestLearned(), state.bestStatistics());
    Path folder = workplace.job(order.jobId()).resolve("bundle-" + order.view());
    try (DenseNet network = DenseNet.create(job.preset().network(), order.threads())) {
      network.load(best);
      Bundle bundle =
          workplace
              .exporter()
              .export(
                  folder,
                  new Request(
                      job.name(),
                      Long.parseLong(VERSION.format(workplace.clock().instant())),
                      best,
                      preprocessing,
                      provenance(order, job, state),
                      crops ->
                          network.studyProbabilities(
                              crops, 1, Preprocessing.CROPS, preprocessing.cropPixels())));
      Path manifest = folder.resolve(Bundle.MANIFEST);
      try {
        for (FileEntry file : bundle.manifest().files()) {
          Blobs.put(workplace.leader(), bundle.file(file.path()));
        }
        return Blobs.put(workplace.leader(), manifest);
      } finally {
        // Stored with the leader or not, it is of no use here.
        for (FileEntry file : bundle.manifest().files()) {
          Files.deleteIfExists(bundle.file(file.path()));
        }
        Files.deleteIfExists(manifest);
        Files.deleteIfExists(folder);
      }
    }
  }

  private static Map<String, String> provenance(RunOrder order, JobSpec job, TrainingState state) {
    Map<String, String> provenance = new LinkedHashMap<>();
    provenance.put("job", order.jobId());
    provenance.put("train", job.data().train());
    provenance.put("validation", job.data().validation());
    provenance.put("seed", Long.toString(job.seed()));
    provenance.put("members", Integer.toString(order.ring().size()));
    provenance.put("steps", Long.toString(state.step()));
    provenance.put("epoch", Integer.toString(state.bestEpoch()));
    provenance.put("validation_auc_mean", Double.toString(state.bestAuc()));
    for (RunOrder.File file : order.files()) {
      provenance.put("sha256 of " + file.name(), file.sha256());
    }
    return provenance;
  }
}
