package io.pulmo.node;

import com.google.protobuf.ByteString;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.BlobChunk;
import io.pulmo.proto.CoordinatorGrpc;
import io.pulmo.proto.GetBlobRequest;
import io.pulmo.proto.GetLeaderRequest;
import io.pulmo.proto.GetLeaderResponse;
import io.pulmo.proto.ListJobsRequest;
import io.pulmo.proto.ListJobsResponse;
import io.pulmo.proto.PutBlobRequest;
import io.pulmo.proto.PutBlobResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A coordinator that says of the leader what a test has it say, and keeps blobs in memory. */
final class ScriptedCoordinator extends CoordinatorGrpc.CoordinatorImplBase
    implements AutoCloseable {
  volatile String leader = "";
  volatile List<String> coordinators = List.of();
  volatile boolean leads = true;
  final AtomicInteger calls = new AtomicInteger();
  final AtomicInteger failuresLeft = new AtomicInteger();
  final Map<String, ByteString> blobs = new ConcurrentHashMap<>();

  private final NodeServer server;

  ScriptedCoordinator() throws IOException {
    server = NodeServer.start(Listen.loopback(0), 4 << 20, List.of(this));
  }

  HostPort address() {
    return server.address();
  }

  @Override
  public void getLeader(GetLeaderRequest request, StreamObserver<GetLeaderResponse> answer) {
    answer.onNext(
        GetLeaderResponse.newBuilder().setLeader(leader).addAllCoordinators(coordinators).build());
    answer.onCompleted();
  }

  @Override
  public void listJobs(ListJobsRequest request, StreamObserver<ListJobsResponse> answer) {
    calls.incrementAndGet();
    if (failuresLeft.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      answer.onError(Status.UNAVAILABLE.withDescription("not now").asRuntimeException());
    } else if (!leads) {
      Metadata trailers = new Metadata();
      trailers.put(LeaderFollower.LEADER, leader);
      answer.onError(Status.FAILED_PRECONDITION.asRuntimeException(trailers));
    } else {
      answer.onNext(ListJobsResponse.getDefaultInstance());
      answer.onCompleted();
    }
  }

  @Override
  public StreamObserver<PutBlobRequest> putBlob(StreamObserver<PutBlobResponse> answer) {
    return new StreamObserver<>() {
      private String sha256 = "";
      private ByteString bytes = ByteString.EMPTY;

      @Override
      public void onNext(PutBlobRequest request) {
        if (sha256.isEmpty()) {
          sha256 = request.getSha256();
        }
        bytes = bytes.concat(request.getData());
      }

      @Override
      public void onError(Throwable t) {}

      @Override
      public void onCompleted() {
        blobs.put(sha256, bytes);
        answer.onNext(PutBlobResponse.getDefaultInstance());
        answer.onCompleted();
      }
    };
  }

  @Override
  public void getBlob(GetBlobRequest request, StreamObserver<BlobChunk> answer) {
    ByteString bytes = blobs.getOrDefault(request.getSha256(), ByteString.EMPTY);
    for (int at = 0; at < bytes.size(); at += Blobs.CHUNK_BYTES) {
      answer.onNext(
          BlobChunk.newBuilder()
              .setData(bytes.substring(at, Math.min(bytes.size(), at + Blobs.CHUNK_BYTES)))
              .build());
    }
    answer.onCompleted();
  }

  /** Cuts off every call, as the death of the process would. */
  void die() {
    server.closeNow();
  }

  @Override
  public void close() {
    server.closeNow();
  }
}
