package io.pulmo.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What happened to a cluster of processes, as the harness outside them saw it: a line of its file
 * of events. Every {@code t} is in microseconds since the file was begun, by the harness's clock.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
@JsonSubTypes({
  @JsonSubTypes.Type(value = ClusterEvent.Begin.class, name = "begin"),
  @JsonSubTypes.Type(value = ClusterEvent.Started.class, name = "started"),
  @JsonSubTypes.Type(value = ClusterEvent.Alive.class, name = "alive"),
  @JsonSubTypes.Type(value = ClusterEvent.Ended.class, name = "ended"),
  @JsonSubTypes.Type(value = ClusterEvent.Did.class, name = "did"),
  @JsonSubTypes.Type(value = ClusterEvent.Said.class, name = "said"),
  @JsonSubTypes.Type(value = ClusterEvent.Phase.class, name = "phase"),
  @JsonSubTypes.Type(value = ClusterEvent.Job.class, name = "job"),
  @JsonSubTypes.Type(value = ClusterEvent.JobEnded.class, name = "job_ended"),
  @JsonSubTypes.Type(value = ClusterEvent.Rounds.class, name = "rounds"),
  @JsonSubTypes.Type(value = ClusterEvent.PeerStep.class, name = "peer_step"),
  @JsonSubTypes.Type(value = ClusterEvent.Aimed.class, name = "aimed")
})
sealed interface ClusterEvent {
  /** The format of the files of the bench of failures. */
  String FAILOVER = "pulmo bench failover 1";

  /** The format of the files of the bench of the ledger. */
  String LEDGER = "pulmo bench ledger 1";

  /** The format of the files of the bench of training. */
  String TRAIN = "pulmo bench train 1";

  /** The format of the files of the bench of a job's stages. */
  String STAGES = "pulmo bench stages 1";

  /** What the harness did to a process. */
  enum Action {
    @JsonProperty("kill")
    KILL,
    @JsonProperty("term")
    TERM,
    @JsonProperty("stop")
    STOP,
    @JsonProperty("cont")
    CONT,
    /** Nothing that it sends or is sent arrives any more. */
    @JsonProperty("cut")
    CUT,
    /** It arrives again, also what was on the way. */
    @JsonProperty("mend")
    MEND,
    /** From now on it gets a quarter of the time that it would take. */
    @JsonProperty("slow")
    SLOW,
    /** It gets all of its time again. */
    @JsonProperty("free")
    FREE
  }

  /** What the harness did for a while. */
  enum Weather {
    /** As many busy processes as there are cores. */
    @JsonProperty("load")
    LOAD,
    /** No ZooKeeper server runs, or all are stopped. */
    @JsonProperty("no_zookeeper")
    NO_ZOOKEEPER,
    /** A worker gets a quarter of the time. */
    @JsonProperty("slow_worker")
    SLOW_WORKER,
    /** The harness takes the cluster down: what ends from here on was told to. */
    @JsonProperty("end")
    END
  }

  /**
   * The first line.
   *
   * @param format one of those above
   * @param seed of the instants and the victims
   * @param preset the network
   * @param workers how many train
   * @param coordinators how many there are
   * @param zookeepers servers of the ensemble
   * @param patienceMillis how long a leader waits for a state before it restores a checkpoint
   * @param cores of the machine
   * @param java the JVM
   */
  record Begin(
      String format,
      long seed,
      String preset,
      int workers,
      int coordinators,
      int zookeepers,
      long patienceMillis,
      int cores,
      String java)
      implements ClusterEvent {
    /** Checks format and ranges. */
    public Begin {
      List<String> formats = List.of(FAILOVER, LEDGER, TRAIN, STAGES);
      if (!formats.contains(format)) {
        throw new IllegalArgumentException(
            "the format is '" + format + "', expected one of " + String.join(", ", formats));
      }
      if (workers < 1 || coordinators < 1 || zookeepers < 1 || cores < 1 || patienceMillis < 0) {
        throw new IllegalArgumentException(
            "workers, coordinators, zookeepers and cores are %d, %d, %d and %d: expected 1 or more"
                .formatted(workers, coordinators, zookeepers, cores));
      }
    }
  }

  /**
   * A process was started.
   *
   * @param name its role and place, as worker-2: a replacement has the name of the replaced
   * @param pid its id
   * @param startTicks when the kernel says it began, in clock ticks since boot
   */
  record Started(long t, String name, long pid, long startTicks) implements ClusterEvent {}

  /**
   * A process is looked at again.
   *
   * @param startTicks as when it was started, or it is another one
   */
  record Alive(long t, String name, long pid, long startTicks) implements ClusterEvent {}

  /**
   * A process ended.
   *
   * @param exit its exit code, 128 and more for a signal
   */
  record Ended(long t, String name, long pid, int exit) implements ClusterEvent {}

  /** The harness did something to a process. */
  record Did(long t, Action action, String name, long pid) implements ClusterEvent {}

  /**
   * A process said something.
   *
   * @param said as it stood on its standard output
   */
  record Said(long t, String name, long pid, JsonNode said) implements ClusterEvent {}

  /** Something begins that lasts, or ends. */
  record Phase(long t, Weather weather, boolean begins) implements ClusterEvent {}

  /**
   * A job was submitted.
   *
   * @param job its id
   * @param samples of its training list
   * @param batch of a step
   * @param epochs of the whole job
   */
  record Job(long t, String job, int samples, int batch, int epochs) implements ClusterEvent {
    /** Checks the ranges. */
    public Job {
      if (samples < 1 || batch < 1 || epochs < 1) {
        throw new IllegalArgumentException(
            "samples, batch and epochs are %d, %d and %d: expected 1 or more"
                .formatted(samples, batch, epochs));
      }
    }
  }

  /**
   * A job ended.
   *
   * @param state as its status says
   * @param digests of the final states, by the pid of each member that is alive
   * @param ledgerVerifies whether {@code pulmo train ledger} found it in order
   */
  record JobEnded(
      long t, String job, String state, Map<Long, String> digests, boolean ledgerVerifies)
      implements ClusterEvent {
    /** Copies the digests. */
    public JobEnded {
      digests = Map.copyOf(digests);
    }
  }

  /** Where a job stands. */
  enum Stage {
    @JsonProperty("submission")
    SUBMISSION,
    @JsonProperty("training")
    TRAINING,
    @JsonProperty("validation")
    VALIDATION,
    @JsonProperty("export")
    EXPORT
  }

  /** What is lost. */
  enum Loss {
    /** The leading coordinator is killed. */
    @JsonProperty("leader")
    LEADER,
    /** A worker is killed; the one that exports, where one does. */
    @JsonProperty("worker")
    WORKER,
    /** One server of the ensemble is killed. */
    @JsonProperty("zookeeper")
    ZOOKEEPER,
    /** The wires of a worker are cut; the leader's, where the job is submitted. */
    @JsonProperty("network")
    NETWORK
  }

  /**
   * A loss was aimed at a stage of the job of this round, and comes now.
   *
   * @param round from 1, one job each, in the order of their submission
   */
  record Aimed(long t, int round, Stage stage, Loss loss) implements ClusterEvent {}

  /**
   * How training is timed: each round is a job of its own.
   *
   * @param rounds how many
   * @param warmUps the first steps of each, which are not timed
   * @param steps those that are
   * @param peer the peer's tools; null without one
   */
  record Rounds(int rounds, int warmUps, int steps, @Nullable String peer) implements ClusterEvent {
    /** Checks the ranges. */
    public Rounds {
      if (rounds < 1 || rounds > 1000 || warmUps < 1 || steps < 1) {
        throw new IllegalArgumentException(
            "rounds, warmUps and steps are %d, %d and %d: expected 1 to 1000, 1 or more, 1 or more"
                .formatted(rounds, warmUps, steps));
      }
    }
  }

  /**
   * A step of the peer's loop.
   *
   * @param round from 1
   * @param nanos of all of it
   * @param forwardBackward nanoseconds of the gradient
   * @param apply of the optimizer
   * @param data of waiting for images
   */
  record PeerStep(int round, long nanos, long forwardBackward, long apply, long data)
      implements ClusterEvent {
    /** Checks the ranges. */
    public PeerStep {
      if (round < 1 || nanos < 1 || Math.min(Math.min(forwardBackward, apply), data) < 0) {
        throw new IllegalArgumentException("a peer's step of " + nanos + " ns in round " + round);
      }
    }
  }
}
