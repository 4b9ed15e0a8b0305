package io.pulmo.coordinator.rpc;

import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.Order;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.ViewJournal;
import io.pulmo.proto.Adopt;
import io.pulmo.proto.CheckpointSource;
import io.pulmo.proto.CoordinatorMessage;
import io.pulmo.proto.Discharge;
import io.pulmo.proto.Enlist;
import io.pulmo.proto.Install;
import io.pulmo.proto.JobFile;
import io.pulmo.proto.KeepCheckpoints;
import io.pulmo.proto.Prepare;
import io.pulmo.proto.Released;
import io.pulmo.proto.RestoreRecord;
import io.pulmo.proto.RingMember;
import io.pulmo.proto.Start;
import io.pulmo.proto.StateHolding;
import io.pulmo.proto.StateLabel;

/** From a leader's orders to messages. */
final class OrderWire {
  private OrderWire() {}

  /** An order of the leader with that epoch. */
  static CoordinatorMessage message(Order order, long leaderEpoch) {
    CoordinatorMessage.Builder message = CoordinatorMessage.newBuilder();
    return switch (order) {
      case Order.Enlist it -> message.setEnlist(enlist(it, leaderEpoch)).build();
      case Order.Discharge it ->
          message
              .setDischarge(Discharge.newBuilder().setJobId(it.jobId()).setReason(it.reason()))
              .build();
      case Order.Prepare it ->
          message
              .setPrepare(
                  Prepare.newBuilder()
                      .setJobId(it.jobId())
                      .setLeaderEpoch(leaderEpoch)
                      .setView(it.view()))
              .build();
      case Order.Copy it ->
          message
              .setAdopt(
                  adopt(it.jobId(), leaderEpoch, it.view())
                      .setHolding(holding(it.what()))
                      .setMember(member(it.from())))
              .build();
      case Order.Restore it -> message.setAdopt(restore(it, leaderEpoch)).build();
      case Order.Start it ->
          message
              .setAdopt(
                  adopt(it.jobId(), leaderEpoch, it.view())
                      .setHolding(StateHolding.newBuilder().setLabel(label(Label.START)))
                      .setStart(Start.getDefaultInstance()))
              .build();
      case Order.Install it -> message.setInstall(install(it, leaderEpoch)).build();
      case Order.Keep it ->
          message
              .setKeepCheckpoints(
                  KeepCheckpoints.newBuilder().setJobId(it.jobId()).addAllSha256(it.sha256()))
              .build();
      case Order.Released it -> message.setReleased(Released.getDefaultInstance()).build();
    };
  }

  private static Enlist enlist(Order.Enlist order, long leaderEpoch) {
    Enlist.Builder enlist =
        Enlist.newBuilder()
            .setJobId(order.jobId())
            .setLeaderEpoch(leaderEpoch)
            .setJobYaml(order.yaml());
    for (JobRecord.File file : order.files()) {
      enlist.addFiles(
          JobFile.newBuilder()
              .setName(file.name())
              .setSha256(file.sha256())
              .setBytes(file.bytes()));
    }
    return enlist.build();
  }

  private static Adopt.Builder adopt(String jobId, long leaderEpoch, long view) {
    return Adopt.newBuilder().setJobId(jobId).setLeaderEpoch(leaderEpoch).setView(view);
  }

  private static Adopt restore(Order.Restore order, long leaderEpoch) {
    ViewJournal.Published what = order.what();
    CheckpointSource.Builder source = CheckpointSource.newBuilder().setSha256(what.sha256());
    order.holders().forEach(seat -> source.addHolders(member(seat)));
    return adopt(order.jobId(), leaderEpoch, order.view())
        .setHolding(holding(new Holding(what.label(), what.digest())))
        .setCheckpoint(source)
        .build();
  }

  private static Install install(Order.Install order, long leaderEpoch) {
    Install.Builder install =
        Install.newBuilder()
            .setJobId(order.jobId())
            .setLeaderEpoch(leaderEpoch)
            .setView(order.view().id())
            .setContinues(label(order.view().continues()));
    order.view().seats().forEach(seat -> install.addMembers(member(seat)));
    for (ViewJournal.Restore restore : order.restores()) {
      install.addRestores(
          RestoreRecord.newBuilder()
              .setView(restore.view())
              .setToStep(restore.toStep())
              .setFromStep(restore.fromStep()));
    }
    return install.build();
  }

  static StateHolding holding(Holding holding) {
    return StateHolding.newBuilder()
        .setLabel(label(holding.label()))
        .setDigest(holding.digest())
        .build();
  }

  private static StateLabel label(Label label) {
    return StateLabel.newBuilder().setView(label.view()).setStep(label.step()).build();
  }

  private static RingMember member(Seat seat) {
    return RingMember.newBuilder()
        .setMemberId(seat.memberId())
        .setName(seat.name())
        .setRingAddress(seat.address())
        .setShare(seat.share())
        .setThreads(seat.threads())
        .build();
  }
}
