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
    json.put("samples_per_second", JsonFile.number(job.samplesPerSecond()));
    json.put("committed_step", job.view().committedStep());
    json.put("view", job.view().id());
    json.put("view_leader_epoch", job.view().leaderEpoch());
    json.put("view_cause", job.view().cause());
    json.put("checkpoint_steps", job.view().checkpointSteps());
    json.put("epochs", job.epochs().stream().map(JobJson::of).toList());
    json.put("members", job.members().stream().map(JobJson::of).toList());
    return json;
  }

  private static Map<String, @Nullable Object> of(JobView.Member member) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("name", member.name());
    json.put("rank", member.rank());
    json.put("step", member.step());
    json.put("steps_computed", member.stepsComputed());
    json.put("samples_computed", member.samplesComputed());
    json.put("state_digest", member.stateDigest());
    json.put("share", member.share());
    json.put("samples_per_second", JsonFile.number(member.samplesPerSecond()));
    json.put("slow", member.slow());
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
