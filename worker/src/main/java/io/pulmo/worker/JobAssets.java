package io.pulmo.worker;

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
import io.pulmo.worker.device.GradientDevice;
import io.pulmo.worker.rpc.JobOrder;
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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** All that a job needs on this worker, ready for use: files, images, a device. */
final class JobAssets implements AutoCloseable {
  private static final int CACHE_PART_OF_HEAP = 4;

  private final JobSpec job;
  private final JobFiles files;
  private final TrainingPlan plan;
  private final StepLoop.Tools tools;
  private final CheckpointFolder checkpoints;

  private JobAssets(
      JobSpec job,
      JobFiles files,
      TrainingPlan plan,
      StepLoop.Tools tools,
      CheckpointFolder checkpoints) {
    this.checkpoints = checkpoints;
    this.job = job;
    this.files = files;
    this.plan = plan;
    this.tools = tools;
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
    ImageSource images = images(workplace, job);
    images.requireAll(names(train, judged));
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
    return new JobAssets(
        job,
        files,
        TrainingPlan.of(job, train.size()),
        new StepLoop.Tools(
            new ImageSamples(train, images, cropping),
            new Validation(
                judged, new ImageSamples(judged, images, Cropping.CENTRE), loss, decoders),
            device,
            decoders),
        checkpoints);
  }

  private static ImageSource images(Workplace workplace, JobSpec job) throws TrainingException {
    Path data =
        workplace
            .data()
            .orElseThrow(
                () ->
                    TrainingException.onlyHere(
                        "worker %s has no images: the job's lie in '%s'; start it with --data DIR, the folder above that"
                            .formatted(workplace.name(), job.data().images()),
                        null));
    return new ImageSource(
        workplace.name(),
        data.resolve(job.data().images()),
        new ImagePipeline(job.preset().preprocessing(), workplace.limits()),
        Runtime.getRuntime().maxMemory() / CACHE_PART_OF_HEAP);
  }

  private static List<String> names(LabelList... lists) {
    List<String> names = new ArrayList<>();
    for (LabelList list : lists) {
      for (int i = 0; i < list.size(); i++) {
        names.add(list.name(i));
      }
    }
    return names;
  }

  JobSpec job() {
    return job;
  }

  JobFiles files() {
    return files;
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
    tools.decoders().shutdownNow();
    tools.device().close();
  }
}
