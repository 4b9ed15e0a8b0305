package io.pulmo.worker.rpc;

import io.pulmo.model.view.Holding;
import io.pulmo.proto.Adopt;
import io.pulmo.proto.RingMember;
import io.pulmo.worker.ring.RingPlan;
import java.util.List;

/**
 * A state that the leader tells a member to put in place.
 *
 * @param jobId the job
 * @param leaderEpoch of the leader that ordered it
 * @param view the promised view that it is for
 * @param holding what the state must be; the digest is empty where everybody makes it
 * @param source where it comes from
 */
public record AdoptOrder(
    String jobId, long leaderEpoch, long view, Holding holding, Source source) {
  /** Where a state comes from. */
  public sealed interface Source {
    /** A member that holds it. */
    record Member(RingPlan.Peer peer) implements Source {}

    /** A checkpoint's file, on the own disk or on a member's. */
    record Checkpoint(String sha256, List<RingPlan.Peer> holders) implements Source {
      /** Checks the digest, which becomes a file's name. */
      public Checkpoint {
        holders = List.copyOf(holders);
        JobOrder.requireSha256(sha256, "the checkpoint");
      }
    }

    /** The job: everybody makes the same. */
    record Start() implements Source {}
  }

  /**
   * From the wire.
   *
   * @throws IllegalArgumentException naming what is wrong with it
   */
  static AdoptOrder of(Adopt adopt) {
    Source source =
        switch (adopt.getFromCase()) {
          case MEMBER -> new Source.Member(peer(adopt.getMember()));
          case CHECKPOINT ->
              new Source.Checkpoint(
                  adopt.getCheckpoint().getSha256(),
                  adopt.getCheckpoint().getHoldersList().stream().map(AdoptOrder::peer).toList());
          case START -> new Source.Start();
          case FROM_NOT_SET ->
              throw new IllegalArgumentException(
                  "the order to adopt a state does not say from where: expected a member, a checkpoint or the start");
        };
    return new AdoptOrder(
        adopt.getJobId(),
        adopt.getLeaderEpoch(),
        adopt.getView(),
        Wire.holding(adopt.getHolding()),
        source);
  }

  private static RingPlan.Peer peer(RingMember member) {
    return Wire.peer(member);
  }
}
