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
import io.pulmo.model.ledger.LedgerFile;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.DenseNet;
import io.pulmo.node.Blobs;
import io.pulmo.node.NoLeaderException;
import io.pulmo.worker.rpc.InstallOrder;
import io.pulmo.worker.rpc.JobOrder;
import io.pulmo.worker.train.TrainingException;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The best epoch's weights on their way to the leader, as a bundle. */
final class TrainedBundle implements BundleExport.Work {
  private static final Logger log = LoggerFactory.getLogger(TrainedBundle.class);

  // A later training of the same model must have a greater version, whoever computes it: the time
  // in UTC.
  private static final DateTimeFormatter VERSION =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss").withZone(ZoneOffset.UTC);

  private final Workplace workplace;
  private final JobOrder order;
  private final InstallOrder last;
  private final JobAssets assets;
  private final Weights best;
  private final Map<String, String> provenance;
  private final byte[] ledger;
  private final Path folder;
  private @Nullable Bundle made;

  /**
   * The bundle of a finished training, which does not change any more.
   *
   * @param last the view that it ended in
   */
  TrainedBundle(
      Workplace workplace,
      JobOrder order,
      InstallOrder last,
      JobAssets assets,
      TrainingState state) {
    this.workplace = workplace;
    this.order = order;
    this.last = last;
    this.assets = assets;
    this.best =
        Weights.ofFlat(
            assets.job().preset().network(), state.bestLearned(), state.bestStatistics());
    this.provenance = provenance(state);
    this.ledger = new LedgerFile(state.ledger(), state.step()).toJson();
    this.folder = workplace.job(order.jobId()).resolve("bundle-" + UUID.randomUUID());
  }

  @Override
  public void make() throws IOException, InterruptedException, TrainingException {
    JobSpec job = assets.job();
    Preprocessing preprocessing = job.preset().preprocessing();
    try (DenseNet network = DenseNet.create(job.preset().network(), last.seat().threads())) {
      network.load(best);
      made =
          workplace
              .exporter()
              .export(
                  folder,
                  new Request(
                      job.name(),
                      Long.parseLong(VERSION.format(workplace.clock().instant())),
                      best,
                      preprocessing,
                      provenance,
                      crops ->
                          network.studyProbabilities(
                              crops, 1, Preprocessing.CROPS, preprocessing.cropPixels()),
                      integers(job),
                      Optional.of(ledger)));
    }
  }

  @Override
  public String store() throws IOException, InterruptedException {
    Bundle bundle = made;
    if (bundle == null) {
      throw new IllegalStateException("the bundle is stored before it is made");
    }
    for (FileEntry file : bundle.manifest().files()) {
      var unused = store(bundle.file(file.path()));
    }
    return store(folder.resolve(Bundle.MANIFEST));
  }

  /** However long the leader is away. */
  private String store(Path file) throws IOException, InterruptedException {
    while (true) {
      try {
        return Blobs.put(workplace.leader(), file);
      } catch (NoLeaderException e) {
        log.info("the bundle of {} waits for a leader: {}", order.jobId(), e.getMessage());
      }
    }
  }

  @Override
  public void discard() {
    Bundle bundle = made;
    if (bundle == null) {
      return;
    }
    try {
      for (FileEntry file : bundle.manifest().files()) {
        Files.deleteIfExists(bundle.file(file.path()));
      }
      Files.deleteIfExists(folder.resolve(Bundle.MANIFEST));
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      log.warn("the bundle in {} cannot be removed: {}", folder, e.toString());
    }
  }

  /** The network in integers, calibrated on training images; none where OpenVINO does not run. */
  private Optional<IntegerModel> integers(JobSpec job)
      throws IOException, InterruptedException, TrainingException {
    int samples = job.export().calibrationSamples();
    if (samples == 0) {
      return Optional.empty();
    }
    LabelList train = assets.files().labels(job.data().train());
    List<String> images = IntStream.range(0, train.size()).mapToObj(train::name).toList();
    Preprocessing preprocessing = job.preset().preprocessing();
    try {
      return Optional.of(
          IntegerModel.calibrated(
              best,
              preprocessing,
              CalibrationCrops.oneOfEach(
                  new ImagePipeline(preprocessing, workplace.limits()),
                  CalibrationCrops.spread(images, samples),
                  this::image)));
    } catch (QuantizerUnavailableException e) {
      log.warn("the bundle of {} will have no int8: {}", order.jobId(), e.getMessage());
      return Optional.empty();
    }
  }

  /** From this worker's own folder or, where it lacks the image, from a peer. */
  private byte[] image(String name) throws IOException {
    try {
      return assets.images().read(name);
    } catch (TrainingException e) {
      throw new IOException(String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while reading " + name);
    }
  }

  private Map<String, String> provenance(TrainingState state) {
    JobSpec job = assets.job();
    Map<String, String> provenance = new LinkedHashMap<>();
    provenance.put("job", order.jobId());
    provenance.put("train", job.data().train());
    provenance.put("validation", job.data().validation());
    provenance.put("seed", Long.toString(job.seed()));
    provenance.put("members", Integer.toString(last.ring().size()));
    provenance.put("steps", Long.toString(state.step()));
    provenance.put("epoch", Integer.toString(state.bestEpoch()));
    provenance.put("validation_auc_mean", Double.toString(state.bestAuc()));
    for (JobOrder.File file : order.files()) {
      provenance.put("sha256 of " + file.name(), file.sha256());
    }
    return provenance;
  }
}
