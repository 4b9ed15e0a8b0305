package io.pulmo.bench;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "preprocess",
    description =
        "The time from a radiograph's bytes to the tensor of its ten crops, on one core, by stage.")
final class PreprocessCommand implements Callable<Integer> {
  private static final int WARM_UPS = 20;
  private static final int ROUNDS = 40;

  @ParentCommand private @Nullable Bench bench;

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description =
          "a folder of PNG files (default: 8 drawn of 1024 pixels, and those of the shared data)")
  private Optional<Path> images = Optional.empty();

  @Option(names = "--json", paramLabel = "FILE", description = "the figures for programs")
  private Optional<Path> json = Optional.empty();

  @Option(names = "--events", paramLabel = "FILE", description = "every time that was taken")
  private Optional<Path> events = Optional.empty();

  @Option(names = "--peers", description = "in turns with Pillow and torchvision")
  private boolean peers;

  @Override
  public Integer call() throws Exception {
    boolean quiet = Objects.requireNonNull(bench).quiet();
    try (TemporaryFolder work = TemporaryFolder.create("pulmo-bench-")) {
      List<BenchImage> measured = images(work.path(), quiet);
      Path file = events.orElse(work.path().resolve("events"));
      // After the drawing, which uses all.
      Optional<Integer> cpu = OneCpu.pin();
      if (cpu.isEmpty()) {
        System.err.println("pulmo: no taskset on PATH: not pinned to one CPU");
      }
      try (EventsFile out = EventsFile.create(file)) {
        if (peers) {
          try (PeerProcess peer = peer(measured, cpu)) {
            run(measured, Optional.of(peer), out, cpu, work.path(), quiet);
          }
        } else {
          run(measured, Optional.empty(), out, cpu, work.path(), quiet);
        }
      }
      Figures figures = BenchVerifier.figures(file);
      System.out.print(figures.text());
      if (json.isPresent()) {
        JsonFile.write(json.get(), figures.json());
      }
    }
    return ExitCode.DONE;
  }

  private List<BenchImage> images(Path work, boolean quiet) throws IOException {
    if (images.isPresent()) {
      return BenchImage.given(images.get());
    }
    if (!quiet) {
      System.err.println("pulmo: drawing radiographs");
    }
    List<BenchImage> all = new ArrayList<>(BenchImage.generate(work));
    String shared = System.getenv("PULMO_SHARED");
    List<BenchImage> real = shared == null ? List.of() : BenchImage.real(Path.of(shared));
    if (real.isEmpty()) {
      System.err.println("pulmo: no real radiographs in $PULMO_SHARED/data/xrays: drawn ones only");
    }
    all.addAll(real);
    return all;
  }

  private static PeerProcess peer(List<BenchImage> images, Optional<Integer> cpu)
      throws IOException {
    String python = System.getProperty("pulmo.peers");
    String root = System.getProperty("pulmo.root");
    if (python == null || root == null) {
      throw CommandFailure.environment(
          "the Python tools to compare with are not known; start it by ./pulmo bench preprocess --peers");
    }
    PeerProcess peer =
        new PeerProcess(Path.of(python), Path.of(root, "bench/peers/preprocess.py"), images);
    if (cpu.isPresent() && !peer.cpus().equals(List.of(cpu.get()))) {
      peer.close();
      throw CommandFailure.work(
          "the peer may run on CPUs " + peer.cpus() + ", expected " + cpu.get() + " as Pulmo");
    }
    return peer;
  }

  private static void run(
      List<BenchImage> images,
      Optional<PeerProcess> peer,
      EventsFile events,
      Optional<Integer> cpu,
      Path work,
      boolean quiet)
      throws IOException {
    try (Progress progress = Progress.start("rounds", " rounds", WARM_UPS + ROUNDS, quiet)) {
      new PreprocessBench(images, peer, events).run(WARM_UPS, ROUNDS, cpu, work, progress::at);
    }
  }
}
