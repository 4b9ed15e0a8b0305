package io.pulmo.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetJobRequest;
import io.pulmo.proto.GetLeaderRequest;
import io.pulmo.proto.GetLeaderResponse;
import io.pulmo.proto.JobStatus;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class NodeServerTest {
  /** Never answers WatchJob, echoes GetLeader. */
  private static final class Service extends CoordinatorGrpc.CoordinatorImplBase {
    @Override
    public void watchJob(GetJobRequest request, StreamObserver<JobStatus> answer) {
      // Open until the server cuts it off.
      answer.onNext(JobStatus.getDefaultInstance());
    }

    @Override
    public void getJob(GetJobRequest request, StreamObserver<JobStatus> answer) {
      answer.onNext(JobStatus.getDefaultInstance());
      answer.onCompleted();
    }

    @Override
    public void getLeader(GetLeaderRequest request, StreamObserver<GetLeaderResponse> answer) {
      answer.onNext(GetLeaderResponse.getDefaultInstance());
      answer.onCompleted();
    }
  }

  @Test
  void server_tellsItsHealthByService() throws Exception {
    try (NodeServer server =
        NodeServer.start(Listen.loopback(0), 1 << 20, List.of(new Service()))) {
      assertNotEquals(0, server.address().port());
      server.setServing("pulmo.v1.Coordinator", false);
      ManagedChannel channel = Channels.open(server.address(), 1 << 20);
      try {
        HealthGrpc.HealthBlockingStub health =
            HealthGrpc.newBlockingStub(channel).withDeadlineAfter(5, TimeUnit.SECONDS);
        assertEquals(
            ServingStatus.SERVING,
            health.check(HealthCheckRequest.getDefaultInstance()).getStatus());
        assertEquals(
            ServingStatus.NOT_SERVING,
            health
                .check(HealthCheckRequest.newBuilder().setService("pulmo.v1.Coordinator").build())
                .getStatus());
      } finally {
        Channels.close(channel);
      }
    }
  }

  @Test
  void message_aboveTheBound_isRefused() throws Exception {
    try (NodeServer server = NodeServer.start(Listen.loopback(0), 1_000, List.of(new Service()))) {
      ManagedChannel channel = Channels.open(server.address(), 1 << 20);
      try {
        CoordinatorGrpc.CoordinatorBlockingStub stub =
            CoordinatorGrpc.newBlockingStub(channel).withDeadlineAfter(5, TimeUnit.SECONDS);
        stub.getJob(GetJobRequest.newBuilder().setJobId("x".repeat(900)).build());
        StatusRuntimeException refused =
            assertThrows(
                StatusRuntimeException.class,
                () -> stub.getJob(GetJobRequest.newBuilder().setJobId("x".repeat(1_100)).build()));
        assertTrue(
            List.of(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED)
                .contains(refused.getStatus().getCode()),
            refused.toString());
      } finally {
        Channels.close(channel);
      }
    }
  }

  @Test
  void address_thatIsTaken_isNamed() throws Exception {
    try (NodeServer first = NodeServer.start(Listen.loopback(0), 1 << 20, List.of(new Service()))) {
      int port = first.address().port();
      IOException refused =
          assertThrows(
              IOException.class,
              () ->
                  NodeServer.start(
                      new Listen("127.0.0.1", port, Optional.empty(), false), 1 << 20, List.of()));
      String message = String.valueOf(refused.getMessage());
      assertTrue(message.contains("127.0.0.1:" + port), message);
      assertTrue(message.contains("--port"), message);
    }
  }

  @Test
  void close_withACallThatNeverEnds_takesSecondsNotForEver() throws Exception {
    NodeServer server = NodeServer.start(Listen.loopback(0), 1 << 20, List.of(new Service()));
    ManagedChannel channel = Channels.open(server.address(), 1 << 20);
    try {
      CompletableFuture<Boolean> open = new CompletableFuture<>();
      CompletableFuture<Status> ended = new CompletableFuture<>();
      CoordinatorGrpc.newStub(channel)
          .watchJob(
              GetJobRequest.getDefaultInstance(),
              new StreamObserver<>() {
                @Override
                public void onNext(JobStatus status) {
                  open.complete(true);
                }

                @Override
                public void onError(Throwable t) {
                  ended.complete(Status.fromThrowable(t));
                }

                @Override
                public void onCompleted() {
                  ended.complete(Status.OK);
                }
              });
      open.get(10, TimeUnit.SECONDS);
      long closing = System.nanoTime();
      server.close();
      long millis = (System.nanoTime() - closing) / 1_000_000;
      assertTrue(millis < 8_000, millis + " ms");
      assertTrue(LeaderFollower.concernsLeadership(ended.get(5, TimeUnit.SECONDS), null));
    } finally {
      Channels.close(channel);
    }
  }
}
