package io.pulmo.worker;

import io.pulmo.export.BundleExporter.Request;
import io.pulmo.export.CalibrationCrops;
import io.pulmo.export.IntegerModel;
import io.pulmo.export.QuantizerUnavailableException;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.node.Blobs;
import io.pulmo.worker.rpc.RunOrder;
import io.pulmo.worker.train.TrainingException;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The best epoch's weights on their way to the leader, as a bundle. */
final class TrainedBundle {
  private static final Logger log = LoggerFactory.getLogger(TrainedBundle.class);

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
      throws IOException, InterruptedException, TrainingException {
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
                              crops, 1, Preprocessing.CROPS, preprocessing.cropPixels()),
                      integers(workplace, order, job, best)));
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

  /** The network in integers, calibrated on training images; none where OpenVINO does not run. */
  private static Optional<IntegerModel> integers(
      Workplace workplace, RunOrder order, JobSpec job, Weights best)
      throws IOException, InterruptedException, TrainingException {
    int samples = job.export().calibrationSamples();
    Optional<Path> data = workplace.data();
    if (samples == 0 || data.isEmpty()) {
      return Optional.empty();
    }
    Path folder = data.get().resolve(job.data().images());
    LabelList train =
        JobFiles.fetch(workplace.leader(), order.files(), workplace.blobs())
            .labels(job.data().train());
    List<Path> images =
        IntStream.range(0, train.size()).mapToObj(i -> folder.resolve(train.name(i))).toList();
    Preprocessing preprocessing = job.preset().preprocessing();
    try {
      return Optional.of(
          IntegerModel.calibrated(
              best,
              preprocessing,
              CalibrationCrops.oneOfEach(
                  new ImagePipeline(preprocessing, workplace.limits()),
                  CalibrationCrops.spread(images, samples))));
    } catch (QuantizerUnavailableException e) {
      log.warn("the bundle of {} will have no int8: {}", order.jobId(), e.getMessage());
      return Optional.empty();
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
