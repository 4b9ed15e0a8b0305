package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.rpc.JobClient;
import io.pulmo.cli.rpc.JobView;
import io.pulmo.coordinator.CoordinatorServer;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.SyntheticRadiographs;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.model.metric.AucReport;
import io.pulmo.node.Listen;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.repository.LoadedModel;
import io.pulmo.worker.WorkerServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nothing but the labels tells the network what to find: with labels dealt out at random it learns
 * nothing about unseen patients.
 */
class ShuffledLabelsTest {
  private static final double CHANCE = 0.5;
  private static final double CHANCE_WITHIN = 0.1;

  @Test
  void job_labelsShuffled_isNoBetterThanChanceOnUnseenPatients(@TempDir Path directory)
      throws Exception {
    Path data = directory.resolve("data");
    SyntheticRadiographs.generate(
        new SyntheticRadiographs.Settings(300, 5, 96, true), data, done -> {});
    shuffleLabels(data.resolve("train_list.txt"), new Random(6));
    shuffleLabels(data.resolve("val_list.txt"), new Random(7));
    Path job =
        Files.writeString(
            data.resolve("JOB.yaml"),
            """
            name: shuffled
            preset: small
            data: {train: train_list.txt, validation: val_list.txt, images: images}
            epochs: 6
            optimizer: {name: adam, learningRate: 0.004}
            """);
    Path bundle = directory.resolve("bundle");
    try (CoordinatorServer coordinator =
            CoordinatorServer.start(
                new CoordinatorServer.Settings(
                    Listen.loopback(0), Optional.empty(), directory.resolve("coordinator")));
        WorkerServer worker =
            WorkerServer.start(
                new WorkerServer.Settings(
                    List.of(coordinator.address()),
                    Optional.of(data),
                    directory.resolve("worker"),
                    Listen.loopback(0),
                    ImageLimits.DEFAULTS));
        JobClient jobs = new JobClient(List.of(coordinator.address()))) {
      String id = jobs.submit(job);
      JobView ended = jobs.watch(id, change -> {});
      assertEquals("completed", ended.state(), ended + " by " + worker.address());
      jobs.bundle(id, bundle);
    }

    AucReport report = judge(bundle, data);

    assertTrue(report.images() >= 150, "images " + report.images());
    assertTrue(report.fewestPositives() >= 15, "positives " + report.fewestPositives());
    assertEquals(CHANCE, report.mean(), CHANCE_WITHIN);
  }

  private static void shuffleLabels(Path list, Random random) throws Exception {
    List<String> names = new ArrayList<>();
    List<String> labels = new ArrayList<>();
    for (String line : Files.readAllLines(list)) {
      int space = line.indexOf(' ');
      names.add(line.substring(0, space));
      labels.add(line.substring(space));
    }
    Collections.shuffle(labels, random);
    Files.write(
        list,
        IntStream.range(0, names.size()).mapToObj(i -> names.get(i) + labels.get(i)).toList());
  }

  private static AucReport judge(Path bundle, Path data) throws Exception {
    LabelList test = LabelList.read(data.resolve("test_list.txt"));
    List<Path> images =
        IntStream.range(0, test.size())
            .mapToObj(i -> data.resolve("images").resolve(test.name(i)))
            .toList();
    try (LoadedModel model = LoadedModel.open(Bundle.open(bundle), Set.of(Mode.TORCH))) {
      return AucReport.of(model.judgeAll(images, Mode.TORCH, done -> {}), test);
    }
  }
}
