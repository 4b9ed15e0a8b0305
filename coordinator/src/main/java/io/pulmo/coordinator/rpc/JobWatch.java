package io.pulmo.coordinator.rpc;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.proto.JobStatus;
import org.jspecify.annotations.Nullable;

/**
 * One user's look at one job: the newest status goes out when it has changed and the user takes it;
 * those in between are left out. The coordinator's loop owns it.
 */
final class JobWatch {
  private final String jobId;
  private final ServerCallStreamObserver<JobStatus> out;
  private boolean stale = true;
  private @Nullable JobRecord sent;

  JobWatch(String jobId, ServerCallStreamObserver<JobStatus> out) {
    this.jobId = jobId;
    this.out = out;
  }

  String jobId() {
    return jobId;
  }

  void changed() {
    stale = true;
  }

  boolean wantsStatus() {
    return stale && out.isReady();
  }

  /** Whether the user has gone. */
  boolean isCancelled() {
    return out.isCancelled();
  }

  /** Sends a status unless it is the one sent before; true if it was the last. */
  boolean send(JobRecord job) {
    stale = false;
    if (job.equals(sent)) {
      return false;
    }
    sent = job;
    out.onNext(Wire.status(job));
    if (job.state().ended()) {
      out.onCompleted();
      return true;
    }
    return false;
  }

  void end(StatusRuntimeException status) {
    if (!out.isCancelled()) {
      out.onError(status);
    }
  }
}
