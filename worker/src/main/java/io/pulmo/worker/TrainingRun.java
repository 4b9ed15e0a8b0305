package io.pulmo.worker;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.job.JobFile;
import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.view.Label;
import io.pulmo.model.weights.Initialization;
import io.pulmo.model.weights.Weights;
import io.pulmo.net.Loss;
import io.pulmo.net.SoftmaxCrossEntropy;
import io.pulmo.net.WeightedBinaryCrossEntropy;
import io.pulmo.node.Channels;
import io.pulmo.node.HostPort;
import io.pulmo.worker.checkpoint.CheckpointFolder;
import io.pulmo.worker.checkpoint.CheckpointWriter;
import io.pulmo.worker.device.GradientDevice;
import io.pulmo.worker.ring.AllReduce;
import io.pulmo.worker.ring.RingBrokenException;
import io.pulmo.worker.ring.RingException;
import io.pulmo.worker.ring.RingPlan;
import io.pulmo.worker.rpc.Reports;
import io.pulmo.worker.rpc.RunOrder;
import io.pulmo.worker.train.ImageSamples;
import io.pulmo.worker.train.ImageSamples.Cropping;
import io.pulmo.worker.train.ImageSource;
import io.pulmo.worker.train.Judgement;
import io.pulmo.worker.train.Optimizer;
import io.pulmo.worker.train.StepLoop;
import io.pulmo.worker.train.StepReport;
import io.pulmo.worker.train.TrainingException;
import io.pulmo.worker.train.TrainingListener;
import io.pulmo.worker.train.TrainingPlan;
import io.pulmo.worker.train.TrainingState;
import io.pulmo.worker.train.Validation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One order carried out, on a thread of its own, from the files' arrival to the last report. */
final class TrainingRun {
  private static final Logger log = LoggerFactory.getLogger(TrainingRun.class);

  /** What comes back from a successor is a summary. */
  private static final int RING_ANSWER_BYTES = 1 << 12;

  private static final int CACHE_PART_OF_HEAP = 4;

  private final RunOrder order;
  private final Workplace workplace;
  private final Reports reports;
  private final AllReduce ring;
  private @Nullable TrainingRun before;
  private final Thread thread;
  private volatile @Nullable String stopReason;
  private volatile boolean silent;

  /**
   * Enters the ring at once, so that the members before and after find it, and starts.
   *
   * @param before the run that must have ended first
   */
  TrainingRun(RunOrder order, Workplace workplace, Reports reports, @Nullable TrainingRun before) {
    this.order = order;
    this.workplace = workplace;
    this.reports = reports;
    this.before = before;
    this.ring = workplace.rings().join(order.ring(), TrainingRun::connect);
    this.thread =
        Thread.ofPlatform()
            .daemon()
            .name("run-" + order.jobId() + "-" + order.view())
            .unstarted(this::carryOut);
  }

  private static ManagedChannel connect(RingPlan.Peer peer) {
    return Channels.open(HostPort.parse(peer.address()), RING_ANSWER_BYTES);
  }

  RunOrder order() {
    return order;
  }

  void start() {
    thread.start();
  }

  /** Stops soon: whatever waits is freed, a pass of the network ends first. */
  void stop(String reason) {
    if (stopReason == null) {
      stopReason = reason;
    }
    ring.abort(reason);
    thread.interrupt();
  }

  /** Stops and says nothing more about it. */
  void abandon(String reason) {
    silent = true;
    stop(reason);
  }

  void awaitEnd(long millis) throws InterruptedException {
    thread.join(millis);
  }

  private void carryOut() {
    try {
      awaitBefore();
      JobSpec job = JobFile.parse(order.jobYaml());
      TrainingState state = train(job);
      String manifest =
          order.ring().rank() == 0 ? TrainedBundle.publish(workplace, order, job, state) : "";
      if (!silent) {
        reports.completed(order, state.digest(), manifest);
      }
    } catch (RingBrokenException e) {
      failed(e, String.valueOf(e.getMessage()), e.memberId());
    } catch (RingException | TrainingException e) {
      failed(e, String.valueOf(e.getMessage()), "");
    } catch (InterruptedException e) {
      failed(e, "worker " + workplace.name() + " was interrupted", "");
    } catch (StatusRuntimeException e) {
      failed(
          e, "worker %s: the leader answered %s".formatted(workplace.name(), e.getMessage()), "");
    } catch (IOException e) {
      failed(e, "worker " + workplace.name() + ": " + e, "");
    } catch (OutOfMemoryError e) {
      failed(
          e,
          "worker %s ran out of memory (%d MiB of heap): lower batch, or give it more with -Xmx"
              .formatted(workplace.name(), Runtime.getRuntime().maxMemory() >> 20),
          "");
    } catch (RuntimeException | Error e) {
      failed(e, "worker " + workplace.name() + ": " + words(e), "");
    } finally {
      // After the report: the leader hears the cause before the neighbours' losses.
      ring.abort("worker " + workplace.name() + " left the run");
    }
  }

  /**
   * The run before was told to stop and does so soon. It is waited for even when this one is told
   * to stop too: the next waits for this one alone.
   */
  private void awaitBefore() {
    TrainingRun earlier = before;
    before = null;
    boolean interrupted = false;
    while (earlier != null) {
      try {
        earlier.thread.join();
        earlier = null;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static String words(Throwable e) {
    String message = e.getMessage();
    return message == null || message.isEmpty() ? e.getClass().getSimpleName() : message;
  }

  private void failed(Throwable cause, String error, String culpritMemberId) {
    String reason = stopReason;
    log.info("run {} of view {} ended: {}", order.jobId(), order.view(), error);
    log.debug("because of", cause);
    if (silent) {
      return;
    }
    // Stopping interrupts; that must not keep the report back.
    var unused = Thread.interrupted();
    try {
      if (reason == null) {
        reports.failed(order, error, culpritMemberId, false);
      } else {
        reports.failed(order, "stopped: " + reason, "", true);
      }
    } catch (InterruptedException e) {
      log.debug("interrupted while reporting", e);
    }
  }

  private TrainingState train(JobSpec job)
      throws IOException, InterruptedException, TrainingException, RingException {
    JobFiles files = JobFiles.fetch(workplace.leader(), order.files(), workplace.blobs());
    LabelList train = files.labels(job.data().train());
    LabelList judged = files.labels(job.data().validation());
    ImageSource images = images(job);
    images.requireAll(names(train, judged));
    DenseNetSpec network = job.preset().network();
    Weights weights =
        job.init().isPresent()
            ? files.initialWeights(job.init().get(), network, job.seed())
            : Initialization.random(network, job.seed());
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
    TrainingState state =
        new TrainingState(
            weights.learned(),
            weights.statistics(),
            Optimizer.create(job.optimizer().kind(), network.learnedSize()),
            job.optimizer().learningRate(),
            Ledger.start(new Sampler(train.size(), job.batch(), job.seed())));
    try (CheckpointWriter checkpoints = checkpoints(job, state);
        ExecutorService decoders = decoders();
        GradientDevice device = workplace.devices().create(network, loss, order.threads())) {
      try {
        new StepLoop(
                TrainingPlan.of(job, order.shares()),
                state,
                new ImageSamples(train, images, cropping),
                new Validation(
                    judged, new ImageSamples(judged, images, Cropping.CENTRE), loss, decoders),
                device,
                ring,
                new Listener(checkpoints),
                decoders)
            .run();
        ring.close();
        if (checkpoints != null) {
          checkpoints.flush();
        }
      } finally {
        decoders.shutdownNow();
      }
    }
    return state;
  }

  private ImageSource images(JobSpec job) throws TrainingException {
    Path data =
        workplace
            .data()
            .orElseThrow(
                () ->
                    new TrainingException(
                        "worker %s has no images: the job's lie in '%s'; start it with --data DIR, the folder above that"
                            .formatted(workplace.name(), job.data().images())));
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

  private ExecutorService decoders() {
    return Executors.newFixedThreadPool(
        order.threads(), Thread.ofPlatform().daemon().name("decode-", 0).factory());
  }

  private @Nullable CheckpointWriter checkpoints(JobSpec job, TrainingState state)
      throws IOException {
    return order.ring().rank() > 0
        ? null
        : new CheckpointWriter(
            new CheckpointFolder(
                workplace.job(order.jobId()).resolve("checkpoints"),
                job.preset(),
                order.jobId(),
                job.checkpoint().keep()),
            state,
            new CheckpointWriter.Listener() {
              @Override
              public void held(CheckpointFolder.Held held) {
                log.debug("{} is on the disk", held);
              }

              @Override
              public void failed(Label label, IOException why) {
                log.error("{}", why.getMessage());
              }

              @Override
              public void replaced(Label label, Label by) {
                log.warn("the checkpoint of {} gave way to that of {}", label, by);
              }
            });
  }

  /** Tells the leader what the loop does, unless nobody listens any more. */
  private final class Listener implements TrainingListener {
    private final @Nullable CheckpointWriter checkpoints;

    Listener(@Nullable CheckpointWriter checkpoints) {
      this.checkpoints = checkpoints;
    }

    @Override
    public void stepped(StepReport report) {
      if (!silent) {
        reports.stepped(order, report);
      }
    }

    @Override
    public void judged(Judgement judgement) throws InterruptedException {
      if (!silent) {
        reports.judged(order, judgement);
      }
    }

    @Override
    public void checkpoint(TrainingState state) {
      if (checkpoints != null) {
        checkpoints.take(new Label(order.view(), state.step()), state);
      }
    }
  }
}
