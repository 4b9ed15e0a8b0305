package io.pulmo.cli;

import io.pulmo.cli.rpc.JobView;
import io.pulmo.cli.terminal.JsonFile;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A job as JSON. */
final class JobJson {
  private JobJson() {}

  static Map<String, @Nullable Object> of(JobView job) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("id", job.id());
    json.put("name", job.name());
    json.put("state", job.state());
    json.put("detail", job.detail());
    json.put("step", job.step());
    json.put("steps_total", job.stepsTotal());
    json.put("loss", JsonFile.number(job.loss()));
    json.put("epochs", job.epochs().stream().map(JobJson::of).toList());
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

  private static Map<String, @Nullable Object> of(JobView.Epoch epoch) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("epoch", epoch.number());
    json.put("auc_mean", JsonFile.number(epoch.aucMean()));
    json.put("loss", JsonFile.number(epoch.loss()));
    json.put("best", epoch.best());
    return json;
  }
}
