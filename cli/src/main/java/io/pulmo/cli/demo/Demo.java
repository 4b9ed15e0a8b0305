package io.pulmo.cli.demo;

import io.pulmo.cli.rpc.JobClient;
import io.pulmo.cli.rpc.JobView;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.FindingsTable;
import io.pulmo.cli.terminal.JobProgress;
import io.pulmo.cli.terminal.Progress;
import io.pulmo.client.Analysis;
import io.pulmo.client.Options;
import io.pulmo.client.Precision;
import io.pulmo.client.PulmoClient;
import io.pulmo.client.PulmoException;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import io.pulmo.model.data.SyntheticRadiographs;
import io.pulmo.node.HostPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The demonstration: data, cluster, job, bundle, serving, client, each the real thing in a process
 * of its own, one after the other.
 */
public final class Demo implements AutoCloseable {
  private static final Duration START_PATIENCE = Duration.ofSeconds(90);
  private static final int REMOVE_ATTEMPTS = 20;
  private static final long REMOVE_PAUSE_NANOS = 50_000_000;
  private static final Duration WORK_END_PATIENCE = Duration.ofSeconds(3);

  private final DemoPlan plan;
  private final Optional<Path> ownImages;
  private final Path out;
  private final boolean temporary;
  private final boolean keep;
  private final boolean quiet;
  private final long startedNanos = System.nanoTime();
  // Guarded by itself: a signal closes the children from another thread.
  private final Deque<ChildProcess> children = new ArrayDeque<>();
  private boolean closed;
  private @Nullable Path keptFiles;
  // Set by a signal; the work then ends in silence.
  private volatile boolean interrupted;
  private final CountDownLatch workEnded = new CountDownLatch(1);

  private Demo(
      DemoPlan plan,
      Optional<Path> ownImages,
      Path out,
      boolean temporary,
      boolean keep,
      boolean quiet) {
    this.plan = plan;
    this.ownImages = ownImages;
    this.out = out;
    this.temporary = temporary;
    this.keep = keep;
    this.quiet = quiet;
  }

  /**
   * Checks what was asked for and makes the folder.
   *
   * @param ownImages the user's radiographs
   * @param out where everything is kept; a temporary folder if empty
   * @param keep whether to stay up at the end
   * @param quiet whether to say nothing on the way
   */
  public static Demo begin(
      DemoPlan plan, Optional<Path> ownImages, Optional<Path> out, boolean keep, boolean quiet)
      throws IOException {
    if (ownImages.isPresent() && !Files.isDirectory(ownImages.get())) {
      throw CommandFailure.usage(
          "--images is " + ownImages.get() + ", expected a folder of PNG or JPEG files");
    }
    Path folder;
    if (out.isPresent()) {
      folder = Files.createDirectories(out.get()).toAbsolutePath();
      try (Stream<Path> entries = Files.list(folder)) {
        if (entries.findAny().isPresent()) {
          throw CommandFailure.usage(
              "--out is " + out.get() + ", which is not empty; give an empty or a new folder");
        }
      }
    } else {
      folder = Files.createTempDirectory("pulmo-demo-");
    }
    Demo demo = new Demo(plan, ownImages, folder, out.isEmpty(), keep, quiet);
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("close").unstarted(demo::interrupt));
    return demo;
  }

  /**
   * Runs it all and prints the table.
   *
   * @param json where the table goes for programs
   */
  public void run(Optional<Path> json) throws Exception {
    try {
      runAll(json);
    } catch (Exception e) {
      if (interrupted) {
        workEnded.countDown();
        // The process is ending, and what went wrong went wrong by that.
        new CountDownLatch(1).await();
      }
      throw e;
    } finally {
      workEnded.countDown();
    }
  }

  private void runAll(Optional<Path> json) throws Exception {
    Path data = generate();
    String coordinator = startCoordinator();
    for (int w = 1; w <= plan.workers(); w++) {
      startWorker(w, coordinator, data);
    }
    JobView job = train(coordinator);
    String server = startServing();
    DemoReport report = stream(server, data, job);
    System.out.print(report.table());
    if (json.isPresent()) {
      report.write(json.get());
    }
    if (ownImages.isPresent()) {
      analyzeOwn(server, ownImages.get());
    }
    if (keep) {
      stayUp(coordinator, server, data);
    }
  }

  private Path generate() throws IOException, InterruptedException {
    Path data = out.resolve("data");
    SyntheticRadiographs.Settings settings =
        new SyntheticRadiographs.Settings(plan.patients(), plan.seed(), plan.imagePixels(), true);
    try (Progress progress = Progress.start("radiographs", " images", settings.images(), quiet)) {
      SyntheticRadiographs.generate(
          settings,
          data,
          done -> {
            if (interrupted) {
              throw new CancellationException();
            }
            progress.at(done);
          });
    }
    return data;
  }

  private String startCoordinator() throws IOException, InterruptedException {
    say("starting a coordinator with an embedded ZooKeeper, and " + plan.workers() + " workers");
    return start("coordinator", List.of("coordinator", "--port", "0", "--state", "state"))
        .awaitAddress(START_PATIENCE);
  }

  private void startWorker(int number, String coordinator, Path data) throws IOException {
    start(
        "worker-" + number,
        List.of(
            "worker", "--coordinator", coordinator, "--data", data.toString(), "--state", "state"));
  }

  private JobView train(String coordinator) throws IOException, InterruptedException {
    Path yaml = Files.writeString(out.resolve("JOB.yaml"), plan.jobYaml());
    try (JobClient jobs = new JobClient(HostPort.parseList(coordinator));
        JobProgress progress = new JobProgress("training", quiet)) {
      String id = jobs.submit(yaml);
      say("submitted " + id);
      JobView ended = jobs.watch(id, progress);
      if (!ended.completed()) {
        throw CommandFailure.work(
            "the job is " + ended.state() + ": " + ended.detail() + "; logs: " + keepFiles());
      }
      fetchBundle(jobs, id);
      return ended;
    }
  }

  /** Into the repository, under the name and version that its manifest tells. */
  private void fetchBundle(JobClient jobs, String id) throws IOException, InterruptedException {
    Path fetched = out.resolve("bundle");
    jobs.bundle(id, fetched);
    Manifest manifest = Bundle.open(fetched).manifest();
    Path model = Files.createDirectories(out.resolve("repository").resolve(manifest.name()));
    Files.move(fetched, model.resolve(Long.toString(manifest.version())));
  }

  private String startServing() throws IOException, InterruptedException {
    say("starting the serving process");
    return start(
            "serving",
            List.of("serve", "--port", "0", "--repository", out.resolve("repository").toString()))
        .awaitAddress(START_PATIENCE);
  }

  private DemoReport stream(String server, Path data, JobView job)
      throws IOException, InterruptedException, LabelListException {
    LabelList test = LabelList.read(data.resolve("test_list.txt"));
    List<DemoReport.Mode> modes = new ArrayList<>();
    Set<Precision> offered = offered(server);
    for (Precision precision : List.of(Precision.TORCH, Precision.FP32, Precision.INT8)) {
      if (precision == Precision.INT8 && !offered.contains(precision)) {
        say("no int8: the job's bundle was made without calibration images");
        continue;
      }
      String name = precision.name().toLowerCase(Locale.ROOT);
      try (Progress progress = Progress.start(name, " studies", test.size(), quiet)) {
        modes.add(StudyStream.run(server, precision, test, data.resolve("images"), progress));
      }
    }
    return new DemoReport(
        List.copyOf(modes),
        test.size(),
        modes.getFirst().report().fewestPositives(),
        job.step(),
        plan.workers(),
        (System.nanoTime() - startedNanos) / 1e9);
  }

  private static Set<Precision> offered(String server) {
    try (PulmoClient client = PulmoClient.builder().target(server).build()) {
      return client.models().getFirst().precisions();
    }
  }

  private static void analyzeOwn(String server, Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> entries = Files.list(folder)) {
      files = entries.filter(Files::isRegularFile).sorted().toList();
    }
    try (PulmoClient client = PulmoClient.builder().target(server).build()) {
      for (Path file : files) {
        try {
          Analysis analysis = client.analyze(file, Options.defaults());
          System.out.println();
          System.out.print(FindingsTable.of(file.getFileName().toString(), analysis));
        } catch (PulmoException refused) {
          if (refused.kind() != PulmoException.Kind.INVALID_ARGUMENT) {
            throw refused;
          }
          System.out.println();
          System.out.println("skipped " + file.getFileName() + ": " + refused.getMessage());
        }
      }
    }
  }

  private void stayUp(String coordinator, String server, Path data) throws InterruptedException {
    String pulmo = System.getProperty("pulmo.launcher", "./pulmo");
    System.out.printf(
        """

        The cluster stays up. While it does:
          join a worker:   %1$s worker --coordinator %2$s --data %4$s
          see the jobs:    %1$s train list --coordinator %2$s
          send an image:   %1$s infer --mode fp32 --server %3$s IMAGE.png
          stop it:         Ctrl-C here, or kill %5$d
        Files and logs are in %6$s
        """,
        pulmo, coordinator, server, data, ProcessHandle.current().pid(), out);
    new CountDownLatch(1).await();
  }

  private ChildProcess start(String name, List<String> arguments) throws IOException {
    synchronized (children) {
      if (closed) {
        throw CommandFailure.work("interrupted");
      }
      ChildProcess child = ChildProcess.start(name, out.resolve(name), arguments);
      children.push(child);
      return child;
    }
  }

  /** The folder, which is not removed then. */
  private Path keepFiles() {
    keptFiles = out;
    return out;
  }

  private void say(String what) {
    if (!quiet) {
      System.err.println(what);
    }
  }

  private void interrupt() {
    interrupted = true;
    endChildren();
    try {
      // Whoever still writes would put files back into the folder that is being removed.
      if (!workEnded.await(WORK_END_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        keepFiles();
      }
    } catch (InterruptedException e) {
      keepFiles();
    }
    removeTemporary();
  }

  /** Ends the children, the last first, and removes a temporary folder. */
  @Override
  public void close() {
    endChildren();
    removeTemporary();
  }

  private void endChildren() {
    synchronized (children) {
      closed = true;
      while (!children.isEmpty()) {
        children.pop().close();
      }
    }
  }

  private void removeTemporary() {
    if (!temporary || keptFiles != null) {
      return;
    }
    for (int attempt = 1; Files.exists(out); attempt++) {
      try (Stream<Path> all = Files.walk(out)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(path);
        }
      } catch (IOException | UncheckedIOException e) {
        if (attempt == REMOVE_ATTEMPTS) {
          say("could not remove " + out + ": " + e);
          return;
        }
        // An image that was being drawn when the work was interrupted is still written.
        LockSupport.parkNanos(REMOVE_PAUSE_NANOS);
      }
    }
  }
}
