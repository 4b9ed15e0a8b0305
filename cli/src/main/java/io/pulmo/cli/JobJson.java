package io.pulmo.cli;

import io.pulmo.cli.rpc.JobView;
import java.util.LinkedHashMap;
import java.util.Map;

/** A job as JSON. */
final class JobJson {
  private JobJson() {}

  static Map<String, Object> of(JobView job) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", job.id());
    json.put("name", job.name());
    json.put("state", job.state());
    json.put("detail", job.detail());
    json.put("step", job.step());
    json.put("steps_total", job.stepsTotal());
    json.put("loss", job.loss());
    json.put(
        "epochs",
        job.epochs().stream()
            .map(
                e ->
                    Map.of(
                        "epoch", e.number(),
                        "auc_mean", e.aucMean(),
                        "loss", e.loss(),
                        "best", e.best()))
            .toList());
    json.put(
        "members",
        job.members().stream()
            .map(
                m ->
                    Map.of(
                        "name", m.name(),
                        "rank", m.rank(),
                        "step", m.step(),
                        "steps_computed", m.stepsComputed(),
                        "samples_computed", m.samplesComputed(),
                        "state_digest", m.stateDigest()))
            .toList());
    return json;
  }
}
