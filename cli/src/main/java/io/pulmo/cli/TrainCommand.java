package io.pulmo.cli;

import static java.util.stream.Collectors.joining;

import io.pulmo.cli.curves.JobCurves;
import io.pulmo.cli.rpc.JobClient;
import io.pulmo.cli.rpc.JobView;
import io.pulmo.cli.rpc.LedgerView;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.JobProgress;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.cli.terminal.Table;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "train", description = "Submits, follows, lists and cancels training jobs.")
final class TrainCommand implements Runnable {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT)
          .withZone(ZoneId.systemDefault());

  @ParentCommand private @Nullable Pulmo pulmo;
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        Objects.requireNonNull(spec).commandLine(),
        "given no command, expected one of submit, watch, status, list, cancel, ledger, bundle");
  }

  @Command(
      name = "submit",
      description = "Submits JOB.yaml with the files it names; prints the job's id.")
  int submit(@Parameters(paramLabel = "JOB.yaml") Path job, @Mixin CoordinatorOption coordinator)
      throws Exception {
    try (JobClient client = new JobClient(coordinator.addresses())) {
      String id = client.submit(job);
      if (client.get(id).completed()) {
        System.err.println(
            "pulmo: job "
                + id
                + " of this name and content is completed already, nothing is trained again; to"
                + " train it once more give it another name");
      }
      System.out.println(id);
    }
    return ExitCode.DONE;
  }

  @Command(name = "watch", description = "Follows a job to its end.")
  int watch(
      @Parameters(paramLabel = "ID") String id,
      @Mixin CoordinatorOption coordinator,
      @Option(
              names = "--tensorboard",
              paramLabel = "DIR",
              description = "write curves there, for tensorboard --logdir DIR")
          Optional<Path> curves,
      @Option(names = "--json", paramLabel = "FILE") Optional<Path> json)
      throws Exception {
    JobView ended;
    try (JobClient client = new JobClient(coordinator.addresses());
        JobProgress progress = new JobProgress(id, Objects.requireNonNull(pulmo).quiet())) {
      if (curves.isEmpty()) {
        ended = client.watch(id, progress);
      } else {
        // A job that is not there makes no folder.
        String known = client.get(id).id();
        String writer = "pulmo-" + ProcessHandle.current().pid();
        try (JobCurves writing =
            new JobCurves(
                curves.get(),
                known,
                writer,
                InstantSource.system(),
                warning -> System.err.println("pulmo: " + warning))) {
          ended = client.watch(id, progress.andThen(writing));
        }
      }
    }
    print(ended, json);
    return ended.completed() ? ExitCode.DONE : ExitCode.FAILED;
  }

  @Command(name = "status", description = "Says how a job is.")
  int status(
      @Parameters(paramLabel = "ID") String id,
      @Mixin CoordinatorOption coordinator,
      @Option(names = "--json", paramLabel = "FILE") Optional<Path> json)
      throws Exception {
    try (JobClient client = new JobClient(coordinator.addresses())) {
      print(client.get(id), json);
    }
    return ExitCode.DONE;
  }

  @Command(name = "list", description = "Lists the jobs, the newest first.")
  int list(
      @Mixin CoordinatorOption coordinator,
      @Option(names = "--json", paramLabel = "FILE") Optional<Path> json)
      throws Exception {
    try (JobClient client = new JobClient(coordinator.addresses())) {
      List<JobView> jobs = client.list();
      Table table = new Table("id", "state", "submitted", "step", "of");
      for (JobView job : jobs) {
        table.row(
            job.id(),
            job.state(),
            TIME.format(Instant.ofEpochMilli(job.submittedAtMillis())),
            Long.toString(job.step()),
            Long.toString(job.stepsTotal()));
      }
      System.out.print(table);
      if (json.isPresent()) {
        JsonFile.write(json.get(), jobs.stream().map(JobJson::of).toList());
      }
    }
    return ExitCode.DONE;
  }

  @Command(name = "cancel", description = "Cancels a job that waits or runs.")
  int cancel(
      @Parameters(paramLabel = "ID") String id,
      @Mixin CoordinatorOption coordinator,
      @Option(names = "--json", paramLabel = "FILE") Optional<Path> json)
      throws Exception {
    try (JobClient client = new JobClient(coordinator.addresses())) {
      print(client.cancel(id), json);
    }
    return ExitCode.DONE;
  }

  @Command(
      name = "ledger",
      description =
          "Shows who computed which samples of a job, and verifies that each counted once.")
  int ledger(
      @Parameters(paramLabel = "ID") String id,
      @Mixin CoordinatorOption coordinator,
      @Option(names = "--json", paramLabel = "FILE") Optional<Path> json)
      throws Exception {
    LedgerView view;
    try (JobClient client = new JobClient(coordinator.addresses())) {
      view = client.ledger(id);
    }
    for (String lacks : List.of(view.stateLacks(), view.leaderLacks())) {
      if (!lacks.isEmpty()) {
        System.err.println(lacks);
      }
    }
    Optional<LedgerReport> report = LedgerReport.of(view);
    if (report.isEmpty()) {
      throw CommandFailure.work(
          "job " + id + " has no ledger: expected one that has trained, as 'train status' tells");
    }
    System.out.print(report.get().text());
    if (json.isPresent()) {
      JsonFile.write(json.get(), report.get().json());
    }
    return report.get().fault().isEmpty() && view.stateLacks().isEmpty()
        ? ExitCode.DONE
        : ExitCode.FAILED;
  }

  @Command(name = "bundle", description = "Fetches a completed job's bundle.")
  int bundle(
      @Parameters(paramLabel = "ID") String id,
      @Mixin CoordinatorOption coordinator,
      @Option(names = "--out", paramLabel = "DIR", required = true) Path out)
      throws Exception {
    try (JobClient client = new JobClient(coordinator.addresses())) {
      client.bundle(id, out);
      System.out.println("bundle in " + out);
    }
    return ExitCode.DONE;
  }

  private static void print(JobView job, Optional<Path> json) throws IOException {
    System.out.println(
        job.id() + "  " + job.state() + (job.detail().isEmpty() ? "" : ": " + job.detail()));
    System.out.println(
        String.format(
            Locale.ROOT,
            "step %d of %d, %.1f images/s",
            job.step(),
            job.stepsTotal(),
            job.samplesPerSecond()));
    printView(job.view());
    if (!job.epochs().isEmpty()) {
      Table epochs = new Table("epoch", "validation AUC", "loss", "best");
      for (JobView.Epoch epoch : job.epochs()) {
        epochs.row(
            Integer.toString(epoch.number() + 1),
            Double.isNaN(epoch.aucMean())
                ? "-"
                : String.format(Locale.ROOT, "%.3f", epoch.aucMean()),
            String.format(Locale.ROOT, "%.4f", epoch.loss()),
            epoch.best() ? "*" : "");
      }
      System.out.print(epochs);
    }
    if (!job.members().isEmpty()) {
      Table members =
          new Table(
              "worker", "rank", "share", "images/s", "steps", "samples", "slow", "state digest");
      for (JobView.Member member : job.members()) {
        members.row(
            member.name(),
            Integer.toString(member.rank()),
            Integer.toString(member.share()),
            String.format(Locale.ROOT, "%.1f", member.samplesPerSecond()),
            Long.toString(member.stepsComputed()),
            Long.toString(member.samplesComputed()),
            member.slow().isEmpty() ? "-" : member.slow(),
            member.stateDigest().isEmpty() ? "-" : member.stateDigest());
      }
      System.out.print(members);
    }
    if (json.isPresent()) {
      JsonFile.write(json.get(), JobJson.of(job));
    }
  }

  private static void printView(JobView.View view) {
    if (view.id() == 0) {
      return;
    }
    String checkpoints =
        view.checkpointSteps().isEmpty()
            ? "none yet"
            : view.checkpointSteps().stream().map(String::valueOf).collect(joining(", "));
    System.out.println(
        "view " + view.id() + " of leader epoch " + view.leaderEpoch() + ": " + view.cause());
    System.out.println(
        "committed step " + view.committedStep() + ", checkpoints of steps: " + checkpoints);
  }
}
