package io.pulmo.serving.engine;

import io.pulmo.model.Findings;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.engine.RefusedException.Reason;
import io.pulmo.serving.repository.Judge;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A bounded queue of studies and the platform threads that judge them: decode, crop, infer.
 *
 * <p>A study that finds the queue full is refused at once; one whose time is over, or whose future
 * was cancelled, is not computed. It does not own the models.
 */
public final class Engine implements AutoCloseable {
  /** How many studies may wait. */
  public static final int QUEUE_STUDIES = 128;

  private record Task(Study study, Judge model, Mode mode, CompletableFuture<Judgement> answer) {}

  private final Map<String, Judge> models = new TreeMap<>();
  private final LongSupplier nanoClock;
  private final BlockingQueue<Task> queue;
  private final long maxQueuedBytes;
  private final AtomicLong queuedBytes = new AtomicLong();
  private final List<Thread> threads;
  private volatile boolean stopping;

  /** An engine with the bounds of a server. */
  public Engine(List<? extends Judge> models) {
    // The images that wait may take a quarter of the heap.
    this(models, QUEUE_STUDIES, Runtime.getRuntime().maxMemory() / 4, System::nanoTime);
  }

  /**
   * An engine with other bounds.
   *
   * @param queueStudies how many studies may wait
   * @param maxQueuedBytes how many bytes of images may wait
   * @param nanoClock what {@link Study#expiresNanos} is compared with
   */
  Engine(
      List<? extends Judge> models, int queueStudies, long maxQueuedBytes, LongSupplier nanoClock) {
    models.forEach(model -> this.models.put(model.identity().name(), model));
    this.nanoClock = nanoClock;
    this.queue = new ArrayBlockingQueue<>(queueStudies);
    this.maxQueuedBytes = maxQueuedBytes;
    // One more than infer at a time: it decodes the next study meanwhile.
    int most = models.stream().mapToInt(Judge::parallelism).max().orElse(1) + 1;
    this.threads =
        Stream.iterate(1, i -> i + 1)
            .limit(most)
            .map(i -> Thread.ofPlatform().name("pulmo-engine-" + i).daemon().unstarted(this::work))
            .toList();
    threads.forEach(Thread::start);
  }

  /** The models that it judges with, by name. */
  public List<Judge> models() {
    return List.copyOf(models.values());
  }

  /** How many studies wait for a thread. */
  public int waiting() {
    return queue.size();
  }

  /** Now, by the engine's clock. */
  public long nowNanos() {
    return nanoClock.getAsLong();
  }

  /**
   * Queues a study.
   *
   * @return completes with the judgement, or exceptionally with a {@link RefusedException};
   *     cancelling it takes the study out of the queue
   */
  public CompletableFuture<Judgement> submit(Study study) {
    CompletableFuture<Judgement> answer = new CompletableFuture<>();
    Task task;
    try {
      Judge model = model(study.model());
      task = new Task(study, model, mode(model, study.mode()), answer);
    } catch (RefusedException e) {
      answer.completeExceptionally(e);
      return answer;
    }
    long bytes = study.image().length;
    if (queuedBytes.addAndGet(bytes) > maxQueuedBytes || !queue.offer(task)) {
      queuedBytes.addAndGet(-bytes);
      answer.completeExceptionally(
          new RefusedException(
              Reason.OVERLOADED,
              "the server has as many studies waiting as it takes; try again later"));
      return answer;
    }
    var unused =
        answer.whenComplete(
            (judgement, thrown) -> {
              if (answer.isCancelled() && queue.remove(task)) {
                queuedBytes.addAndGet(-bytes);
              }
            });
    if (stopping) {
      refuseQueued();
    }
    return answer;
  }

  private Judge model(String name) {
    if (name.isEmpty() && models.size() == 1) {
      return models.values().iterator().next();
    }
    Judge model = models.get(name);
    if (model == null) {
      throw new RefusedException(
          Reason.NO_SUCH_MODEL,
          (name.isEmpty()
                  ? "no model is named and there are several"
                  : "there is no model '" + shortened(name) + "'")
              + "; this server has "
              + String.join(", ", models.keySet()));
    }
    return model;
  }

  private static Mode mode(Judge model, Optional<Mode> asked) {
    Mode mode = asked.orElseGet(() -> model.modes().iterator().next());
    if (!model.modes().contains(mode)) {
      throw new RefusedException(
          Reason.MODE_NOT_OFFERED,
          mode.label()
              + " is not offered for model "
              + model.identity().name()
              + ": "
              + model.unavailable().getOrDefault(mode, "the server was not asked to offer it")
              + "; offered: "
              + model.modes().stream().map(Mode::label).collect(Collectors.joining(", ")));
    }
    return mode;
  }

  private static String shortened(String name) {
    return name.length() <= 100 ? name : name.substring(0, 100) + "...";
  }

  private void work() {
    try {
      while (!stopping) {
        Task task = queue.take();
        queuedBytes.addAndGet(-task.study.image().length);
        judge(task);
      }
    } catch (InterruptedException e) {
      // Only close interrupts.
      Thread.currentThread().interrupt();
    }
  }

  private void judge(Task task) {
    if (task.answer.isDone()) {
      return;
    }
    if (task.study.expiresNanos() != Long.MAX_VALUE
        && task.study.expiresNanos() - nowNanos() <= 0) {
      task.answer.completeExceptionally(
          new RefusedException(Reason.EXPIRED, "its time was over before it was its turn"));
      return;
    }
    try {
      Findings findings = task.model.judge(task.study.image(), task.mode);
      task.answer.complete(
          new Judgement(
              findings, task.model.identity(), task.mode, task.model.weightRange(task.mode)));
    } catch (UnreadableImageException e) {
      task.answer.completeExceptionally(
          new RefusedException(Reason.UNREADABLE_IMAGE, String.valueOf(e.getMessage()), e));
    } catch (RuntimeException | Error e) {
      // A study must not take the thread with it; whoever asked is told.
      task.answer.completeExceptionally(e);
    }
  }

  private void refuseQueued() {
    for (Task task = queue.poll(); task != null; task = queue.poll()) {
      queuedBytes.addAndGet(-task.study.image().length);
      task.answer.completeExceptionally(
          new RefusedException(Reason.STOPPING, "the server stops; try another one"));
    }
  }

  /** Refuses what is queued and waits for what is being judged. */
  @Override
  public void close() {
    stopping = true;
    threads.forEach(Thread::interrupt);
    refuseQueued();
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
