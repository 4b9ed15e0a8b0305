package io.pulmo.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A hand-written file of events: a job of 10 samples in batches of 4, so of three steps an epoch
 * (3, 3 and 4 samples). Times are in milliseconds.
 */
final class ClusterLines {
  private static final int SAMPLES = 10;
  private static final int STEPS = 3;

  private final List<String> lines = new ArrayList<>();
  private final String format;

  ClusterLines(String format) {
    this.format = format;
    lines.add(
        """
        {"event":"begin","format":"%s","seed":7,"preset":"small","workers":2,"coordinators":2,\
        "zookeepers":3,"patienceMillis":60000,"cores":2,"java":"25"}"""
            .formatted(format));
    started(0, "coordinator-1", 11);
    started(0, "coordinator-2", 12);
    for (int pid = 1; pid <= 3; pid++) {
      started(0, "worker-" + pid, pid);
    }
    said(1, "coordinator-1", 11, "\"kind\":\"lead\",\"epoch\":1");
  }

  ClusterLines job(int epochs) {
    lines.add(
        """
        {"event":"job","t":2000,"job":"j","samples":%d,"batch":4,"epochs":%d}"""
            .formatted(SAMPLES, epochs));
    return this;
  }

  ClusterLines started(long millis, String name, long pid) {
    lines.add(
        """
        {"event":"started","t":%d,"name":"%s","pid":%d,"startTicks":%d}"""
            .formatted(millis * 1000, name, pid, 100 + pid));
    return this;
  }

  ClusterLines alive(long millis, String name, long pid, long startTicks) {
    lines.add(
        """
        {"event":"alive","t":%d,"name":"%s","pid":%d,"startTicks":%d}"""
            .formatted(millis * 1000, name, pid, startTicks));
    return this;
  }

  ClusterLines ended(long millis, String name, long pid) {
    lines.add(
        """
        {"event":"ended","t":%d,"name":"%s","pid":%d,"exit":137}"""
            .formatted(millis * 1000, name, pid));
    return this;
  }

  ClusterLines did(long millis, String action, String name, long pid) {
    lines.add(
        """
        {"event":"did","t":%d,"action":"%s","name":"%s","pid":%d}"""
            .formatted(millis * 1000, action, name, pid));
    return this;
  }

  ClusterLines phase(long millis, String weather, boolean begins) {
    lines.add(
        """
        {"event":"phase","t":%d,"weather":"%s","begins":%b}"""
            .formatted(millis * 1000, weather, begins));
    return this;
  }

  ClusterLines said(long millis, String name, long pid, String fields) {
    lines.add(
        """
        {"event":"said","t":%d,"name":"%s","pid":%d,"said":{%s}}"""
            .formatted(millis * 1000, name, pid, fields));
    return this;
  }

  /** The leader of epoch 1 names a member as slow, or with no cause as slow no more. */
  ClusterLines slow(long millis, String member, String cause) {
    return said(
        millis,
        "coordinator-1",
        11,
        """
        "kind":"slow","epoch":1,"member":"%s","cause":"%s\""""
            .formatted(member, cause));
  }

  /** All of some workers enter a view, with equal shares. */
  ClusterLines view(
      long millis, long epoch, long id, long continuesView, long step, Integer... pids) {
    String members =
        List.of(pids).stream()
            .map(pid -> "{\"member\":\"m%d\",\"share\":1}".formatted(pid))
            .collect(Collectors.joining(","));
    for (int pid : pids) {
      worker(
          millis,
          pid,
          "view",
          """
          "view":%d,"step":%d,"leader_epoch":%d,"continues_view":%d,"members":[%s]"""
              .formatted(id, step, epoch, continuesView, members));
    }
    return this;
  }

  /** A worker reports a step: the part that its place of so many has in it. */
  ClusterLines step(long millis, long view, long step, int pid, int rank, int of) {
    int inEpoch = (int) ((step - 1) % STEPS);
    int from = SAMPLES * inEpoch / STEPS;
    int size = SAMPLES * (inEpoch + 1) / STEPS - from;
    return part(millis, view, step, pid, from + size * rank / of, from + size * (rank + 1) / of);
  }

  ClusterLines part(long millis, long view, long step, int pid, int from, int to) {
    int inEpoch = (int) ((step - 1) % STEPS);
    int size = SAMPLES * (inEpoch + 1) / STEPS - SAMPLES * inEpoch / STEPS;
    return part(millis, view, step, pid, from, to, size);
  }

  /** A sample takes 10 ms. */
  ClusterLines part(long millis, long view, long step, int pid, int from, int to, int summed) {
    return worker(
        millis,
        pid,
        "step",
        """
        "view":%d,"step":%d,"epoch":%d,"from":%d,"to":%d,"summed":%d,"digest":"%s",\
        "ms":{"data":0.0,"compute":%d.0,"ring":1.0,"apply":0.0}"""
            .formatted(
                view, step, (step - 1) / STEPS, from, to, summed, "d" + step, 10 * (to - from)));
  }

  ClusterLines worker(long millis, int pid, String kind, String fields) {
    return said(
        millis,
        "worker-" + pid,
        pid,
        """
        "t_millis":0,"kind":"%s","member":"m%d","job":"j",%s"""
            .formatted(kind, pid, fields));
  }

  /** Steps of a view of two, 100 ms apart. */
  ClusterLines steps(long millis, long view, long from, long to, int one, int other) {
    for (long step = from; step <= to; step++) {
      long at = millis + 100 * (step - from);
      step(at, view, step, one, 0, 2).step(at + 10, view, step, other, 1, 2);
    }
    return this;
  }

  ClusterLines aimed(long millis, int round, String stage, String loss) {
    lines.add(
        """
        {"event":"aimed","t":%d,"round":%d,"stage":"%s","loss":"%s"}"""
            .formatted(millis * 1000, round, stage, loss));
    return this;
  }

  /** A worker turns to judging or exporting, or is done. */
  ClusterLines turn(long millis, int pid, String kind) {
    return worker(millis, pid, kind, "\"view\":0,\"step\":2");
  }

  ClusterLines jobEnded(long millis, String state, String digests, boolean verifies) {
    lines.add(
        """
        {"event":"job_ended","t":%d,"job":"j","state":"%s","digests":{%s},"ledgerVerifies":%b}"""
            .formatted(millis * 1000, state, digests, verifies));
    return this;
  }

  Path write(Path directory) throws IOException {
    return Files.writeString(
        directory.resolve(format.replace(' ', '-')), String.join("\n", lines) + "\n");
  }
}
