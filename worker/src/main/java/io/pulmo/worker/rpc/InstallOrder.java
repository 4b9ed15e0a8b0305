package io.pulmo.worker.rpc;

import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.node.HostPort;
import io.pulmo.proto.Install;
import io.pulmo.proto.RingMember;
import io.pulmo.worker.ring.RingPlan;
import java.util.List;

/**
 * A view that the leader tells a member to enter.
 *
 * @param jobId the job
 * @param leaderEpoch of the leader that ordered it
 * @param view who is in it and what it continues
 * @param ring its ring, as this member sees it
 * @param restores of the job so far
 */
public record InstallOrder(
    String jobId, long leaderEpoch, View view, RingPlan ring, List<ViewJournal.Restore> restores) {
  /** Copies the list. */
  public InstallOrder {
    restores = List.copyOf(restores);
  }

  /** This member's seat. */
  public Seat seat() {
    return view.seats().get(ring.rank());
  }

  /**
   * From the wire.
   *
   * @param memberId the receiver
   * @throws IllegalArgumentException naming what is wrong with it
   */
  static InstallOrder of(Install install, String memberId) {
    List<Seat> seats = install.getMembersList().stream().map(InstallOrder::seat).toList();
    int rank = -1;
    for (int i = 0; i < seats.size(); i++) {
      if (seats.get(i).memberId().equals(memberId)) {
        rank = i;
      }
    }
    if (rank < 0) {
      throw new IllegalArgumentException(
          "view %d of job %s is of %s, expected member %s among them"
              .formatted(
                  install.getView(),
                  install.getJobId(),
                  seats.stream().map(Seat::memberId).toList(),
                  memberId));
    }
    View view =
        new View(
            install.getView(), install.getLeaderEpoch(), seats, Wire.label(install.getContinues()));
    return new InstallOrder(
        install.getJobId(),
        install.getLeaderEpoch(),
        view,
        new RingPlan(
            install.getJobId(),
            install.getView(),
            install.getMembersList().stream().map(Wire::peer).toList(),
            rank),
        install.getRestoresList().stream()
            .map(r -> new ViewJournal.Restore(r.getView(), r.getToStep(), r.getFromStep()))
            .toList());
  }

  private static Seat seat(RingMember member) {
    // Read here, so that a wrong one is refused.
    HostPort address = HostPort.parse(member.getRingAddress());
    return new Seat(
        member.getMemberId(),
        member.getName(),
        address.toString(),
        member.getShare(),
        member.getThreads());
  }
}
