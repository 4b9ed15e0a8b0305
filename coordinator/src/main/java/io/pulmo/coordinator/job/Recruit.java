package io.pulmo.coordinator.job;

import io.pulmo.coordinator.membership.Member;
import io.pulmo.model.view.Applicant;
import io.pulmo.model.view.Holding;
import org.jspecify.annotations.Nullable;

/** An attached worker as the running job sees it. */
final class Recruit {
  /** What the job has to do with it. */
  enum Stage {
    /** It was not asked. */
    IDLE,
    /** It makes ready. */
    ENLISTING,
    /** It can take part, and most often does. */
    ENLISTED,
    /** It does not take part in this job. */
    OUT
  }

  final Member member;
  final WorkerLine line;
  Stage stage = Stage.IDLE;

  /** Why it is out, for people. */
  String out = "";

  /** What it told when it was ready; kept while the job's first view waits for others. */
  WorkerReport.@Nullable Enlisted ready;

  long step;
  long samplesComputed;
  long stepsComputed;
  double samplesPerSecond;

  /** Its final state, once it has one, and the bundle's manifest if it exported. */
  @Nullable Holding ended;

  String manifest = "";

  Recruit(Member member, WorkerLine line) {
    this.member = member;
    this.line = line;
  }

  String id() {
    return member.id();
  }

  Applicant applicant() {
    return new Applicant(
        member.id(),
        member.name(),
        member.ringAddress().toString(),
        member.hostId(),
        member.cores());
  }
}
