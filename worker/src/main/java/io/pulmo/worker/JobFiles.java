package io.pulmo.worker;

import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.weights.Weights;
import io.pulmo.model.weights.WeightsFile;
import io.pulmo.node.Blobs;
import io.pulmo.node.LeaderFollower;
import io.pulmo.worker.rpc.JobOrder;
import io.pulmo.worker.train.TrainingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The files that came with a submission, fetched from the leader and kept by their SHA-256. */
final class JobFiles {
  private final Map<String, Path> byName;

  private JobFiles(Map<String, Path> byName) {
    this.byName = byName;
  }

  /** Fetches whatever is not there, or no longer what it was. */
  static JobFiles fetch(LeaderFollower leader, List<JobOrder.File> files, Path blobs)
      throws IOException, InterruptedException {
    Map<String, Path> byName = new HashMap<>();
    for (JobOrder.File file : files) {
      Path blob = blobs.resolve(file.sha256());
      if (!Files.isRegularFile(blob) || !Blobs.sha256(blob).equals(file.sha256())) {
        Blobs.get(leader, file.sha256(), blob);
      }
      byName.put(file.name(), blob);
    }
    return new JobFiles(byName);
  }

  private Path file(String name) throws TrainingException {
    Path blob = byName.get(name);
    if (blob == null) {
      throw new TrainingException(
          "'%s' did not come with the submission, expected one of %s"
              .formatted(name, byName.keySet()));
    }
    return blob;
  }

  /** A label list by its name in JOB.yaml. */
  LabelList labels(String name) throws TrainingException {
    Path file = file(name);
    try {
      return LabelList.read(file);
    } catch (IOException | LabelListException e) {
      throw wrong(name, file, e);
    }
  }

  /** The weights to start from, by their file's name in JOB.yaml. */
  Weights initialWeights(String name, DenseNetSpec network, long seed) throws TrainingException {
    Path file = file(name);
    try {
      return WeightsFile.readInitial(file, network, seed);
    } catch (IOException e) {
      throw wrong(name, file, e);
    }
  }

  /** The submitter knows the file by another name than this worker. */
  private static TrainingException wrong(String name, Path file, Exception e) {
    return new TrainingException(String.valueOf(e.getMessage()).replace(file.toString(), name), e);
  }
}
