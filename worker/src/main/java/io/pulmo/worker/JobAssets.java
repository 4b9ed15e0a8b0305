package io.pulmo.worker;

import io.pulmo.model.data.ImageManifest;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.job.JobFile;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.Loss;
import io.pulmo.net.SoftmaxCrossEntropy;
import io.pulmo.net.WeightedBinaryCrossEntropy;
import io.pulmo.worker.checkpoint.CheckpointFolder;
import io.pulmo.worker.data.ImageIndex;
import io.pulmo.worker.data.JobImages;
import io.pulmo.worker.data.PulledImages;
import io.pulmo.worker.device.GradientDevice;
import io.pulmo.worker.rpc.JobOrder;
import io.pulmo.worker.train.BatchLoader;
import io.pulmo.worker.train.ImageSamples;
import io.pulmo.worker.train.ImageSamples.Cropping;
import io.pulmo.worker.train.ImageSource;
import io.pulmo.worker.train.Optimizer;
import io.pulmo.worker.train.StepLoop;
import io.pulmo.worker.train.TrainingException;
import io.pulmo.worker.train.TrainingPlan;
import io.pulmo.worker.train.TrainingState;
import io.pulmo.worker.train.Validation;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** All that a job needs on this worker, ready for use: files, images, a device. */
final class JobAssets implements AutoCloseable {
  private static final int CACHE_PART_OF_HEAP = 4;

  /** A peer that holds an image may be busy, or just lost: then a view without it comes first. */
  private static final Duration IMAGE_PATIENCE = Duration.ofSeconds(30);

  private final JobSpec job;
  private final JobFiles files;
  private final JobImages images;
  private final TrainingPlan plan;
  private final StepLoop.Tools tools;
  private final CheckpointFolder checkpoints;
  private final Runnable onClose;

  private JobAssets(
      JobSpec job,
      JobFiles files,
      JobImages images,
      TrainingPlan plan,
      StepLoop.Tools tools,
      CheckpointFolder checkpoints,
      Runnable onClose) {
    this.checkpoints = checkpoints;
    this.job = job;
    this.files = files;
    this.images = images;
    this.plan = plan;
    this.tools = tools;
    this.onClose = onClose;
  }

  /**
   * Makes ready; may take long.
   *
   * @param threads that the device may use until told otherwise
   */
  static JobAssets prepare(Workplace workplace, JobOrder order, int threads)
      throws IOException, InterruptedException, TrainingException {
    JobSpec job = JobFile.parse(order.jobYaml());
    JobFiles files = JobFiles.fetch(workplace.leader(), order.files(), workplace.blobs());
    LabelList train = files.labels(job.data().train());
    LabelList judged = files.labels(job.data().validation());
    JobImages images = images(workplace, order.jobId(), job, ImageManifest.names(train, judged));
    ImageSource decoded =
        new ImageSource(
            workplace.name(),
            images,
            new ImagePipeline(job.preset().preprocessing(), workplace.limits()),
            Runtime.getRuntime().maxMemory() / CACHE_PART_OF_HEAP);
    Loss loss =
        switch (job.loss()) {
          case WEIGHTED_BINARY_CROSS_ENTROPY ->
              WeightedBinaryCrossEntropy.balanced(train.positives(), train.size());
          case SOFTMAX_CROSS_ENTROPY -> new SoftmaxCrossEntropy();
        };
    Cropping cropping =
        switch (job.recipe()) {
          case CHEXNET -> Cropping.RANDOM;
          case STUDY -> Cropping.TEN;
        };
    CheckpointFolder checkpoints =
        new CheckpointFolder(
            workplace.job(order.jobId()).resolve("checkpoints"),
            job.preset(),
            order.jobId(),
            job.checkpoint().keep());
    GradientDevice device = workplace.devices().create(job.preset().network(), loss, threads);
    ExecutorService decoders =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("decode-", 0).factory());
    TrainingPlan plan = TrainingPlan.of(job, train.size());
    BatchLoader loader =
        new BatchLoader(
            new ImageSamples(train, decoded, cropping),
            plan.sampler(),
            plan.epochs(),
            decoders,
            BatchLoader.defaultMemoryBytes());
    workplace.images().offer(order.jobId(), images);
    return new JobAssets(
        job,
        files,
        images,
        plan,
        new StepLoop.Tools(
            loader,
            new Validation(
                judged, new ImageSamples(judged, decoded, Cropping.CENTRE), loss, decoders),
            device),
        checkpoints,
        () -> {
          workplace.images().withdraw(order.jobId());
          loader.close();
          decoders.shutdownNow();
          device.close();
        });
  }

  private static JobImages images(
      Workplace workplace, String jobId, JobSpec job, List<String> names)
      throws TrainingException, IOException, InterruptedException {
    return new JobImages(
        workplace.name(),
        jobId,
        ImageIndex.build(
            workplace.data().map(data -> data.resolve(job.data().images())),
            names,
            workplace.state().resolve("image-hashes"),
            workplace.clock()),
        PulledImages.ofJob(workplace.state().resolve("pulled-images"), jobId),
        workplace.peers(),
        IMAGE_PATIENCE);
  }

  JobSpec job() {
    return job;
  }

  JobFiles files() {
    return files;
  }

  JobImages images() {
    return images;
  }

  TrainingPlan plan() {
    return plan;
  }

  StepLoop.Tools tools() {
    return tools;
  }

  CheckpointFolder checkpoints() {
    return checkpoints;
  }

  /** The state before the first step, in arrays of its own. */
  TrainingState start() throws TrainingException {
    DenseNetSpec network = job.preset().network();
    Weights weights =
        job.init().isPresent()
            ? files.initialWeights(job.init().get(), network, job.seed())
            : Initialization.random(network, job.seed());
    return new TrainingState(
        weights.learned(),
        weights.statistics(),
        Optimizer.create(job.optimizer().kind(), network.learnedSize()),
        job.optimizer().learningRate(),
        Ledger.start(plan.sampler()));
  }

  @Override
  public void close() {
    onClose.run();
  }
}
