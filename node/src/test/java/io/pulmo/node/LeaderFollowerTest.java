package io.pulmo.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.pulmo.proto.ListJobsRequest;
import io.pulmo.proto.ListJobsResponse;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaderFollowerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static ListJobsResponse list(LeaderFollower follower) throws InterruptedException {
    return follower.call(stub -> stub.listJobs(ListJobsRequest.getDefaultInstance()));
  }

  /** An address where nobody listens. */
  private static HostPort nobody() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return new HostPort("127.0.0.1", socket.getLocalPort());
    }
  }

  @Test
  void leader_isFoundThroughAnyCoordinator_pastThoseThatAreDown() throws Exception {
    try (ScriptedCoordinator one = new ScriptedCoordinator();
        ScriptedCoordinator two = new ScriptedCoordinator();
        LeaderFollower follower = new LeaderFollower(List.of(nobody(), one.address()), PATIENCE)) {
      one.leader = two.address().toString();
      one.coordinators = List.of(one.address().toString(), two.address().toString());
      assertEquals(two.address(), follower.leader(PATIENCE));
      assertEquals(ListJobsResponse.getDefaultInstance(), list(follower));
      assertEquals(1, two.calls.get());
      assertTrue(follower.coordinators().contains(two.address()));
    }
  }

  @Test
  void call_toOneThatLeadsNoMore_goesToTheOneThatItNames() throws Exception {
    try (ScriptedCoordinator old = new ScriptedCoordinator();
        ScriptedCoordinator now = new ScriptedCoordinator();
        LeaderFollower follower = new LeaderFollower(List.of(old.address()), PATIENCE)) {
      old.leader = old.address().toString();
      assertEquals(old.address(), follower.leader(PATIENCE));
      old.leader = now.address().toString();
      old.leads = false;
      list(follower);
      assertEquals(1, old.calls.get());
      assertEquals(1, now.calls.get());
      assertEquals(now.address(), follower.leader(PATIENCE));
    }
  }

  @Test
  void call_whenTheLeaderDies_goesToTheNextOne() throws Exception {
    try (ScriptedCoordinator next = new ScriptedCoordinator();
        ScriptedCoordinator dying = new ScriptedCoordinator();
        LeaderFollower follower = new LeaderFollower(List.of(dying.address()), PATIENCE)) {
      dying.leader = dying.address().toString();
      dying.coordinators = List.of(dying.address().toString(), next.address().toString());
      list(follower);
      dying.die();
      next.leader = next.address().toString();
      list(follower);
      assertEquals(1, next.calls.get());
    }
  }

  @Test
  void call_thatIsUnavailableForAMoment_isRepeated() throws Exception {
    try (ScriptedCoordinator one = new ScriptedCoordinator();
        LeaderFollower follower = new LeaderFollower(List.of(one.address()), PATIENCE)) {
      one.leader = one.address().toString();
      one.failuresLeft.set(3);
      list(follower);
      assertEquals(4, one.calls.get());
    }
  }

  @Test
  void call_thatTheLeaderRefuses_isNotRepeated() throws Exception {
    try (ScriptedCoordinator one = new ScriptedCoordinator();
        LeaderFollower follower = new LeaderFollower(List.of(one.address()), PATIENCE)) {
      one.leader = one.address().toString();
      StatusRuntimeException refused =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  follower.call(
                      stub -> {
                        one.calls.incrementAndGet();
                        throw Status.INVALID_ARGUMENT.asRuntimeException();
                      }));
      assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
      assertEquals(1, one.calls.get());
    }
  }

  @Test
  void patience_thatRunsOut_namesWhoWasAskedAndWhatToDo() throws Exception {
    HostPort nobody = nobody();
    try (ScriptedCoordinator one = new ScriptedCoordinator();
        LeaderFollower follower =
            new LeaderFollower(List.of(nobody, one.address()), Duration.ofMillis(400))) {
      NoLeaderException none = assertThrows(NoLeaderException.class, () -> list(follower));
      String message = String.valueOf(none.getMessage());
      assertTrue(message.contains(nobody + ": UNAVAILABLE"), message);
      assertTrue(message.contains(one.address() + ": knows of no leader at the moment"), message);
      assertTrue(message.contains("--coordinator"), message);
    }
  }

  @Test
  void follower_onceClosed_refuses() throws Exception {
    LeaderFollower follower = new LeaderFollower(List.of(nobody()), PATIENCE);
    follower.close();
    assertThrows(IllegalStateException.class, () -> list(follower));
    assertThrows(IllegalArgumentException.class, () -> new LeaderFollower(List.of()));
  }

  @Test
  void blob_goesThereAndComesBackWhole(@TempDir Path folder) throws Exception {
    try (ScriptedCoordinator one = new ScriptedCoordinator();
        LeaderFollower follower = new LeaderFollower(List.of(one.address()), PATIENCE)) {
      one.leader = one.address().toString();
      Random random = new Random(7);
      for (int bytes : new int[] {0, 1, 1 << 20, (5 << 20) + 1}) {
        byte[] data = new byte[bytes];
        random.nextBytes(data);
        Path file = Files.write(folder.resolve("file"), data);
        String sha256 = Blobs.put(follower, file);
        assertEquals(
            bytes, one.blobs.getOrDefault(sha256, ByteString.copyFrom(new byte[9])).size());
        Path back = folder.resolve("sub/back");
        Blobs.get(follower, sha256, back);
        assertEquals(-1, Files.mismatch(file, back));
      }
    }
  }

  @Test
  void blob_thatComesWithOtherBytes_doesNotAppear(@TempDir Path folder) throws Exception {
    try (ScriptedCoordinator one = new ScriptedCoordinator();
        LeaderFollower follower = new LeaderFollower(List.of(one.address()), PATIENCE)) {
      one.leader = one.address().toString();
      one.blobs.put("a".repeat(64), ByteString.copyFromUtf8("forged"));
      Path into = folder.resolve("blob");
      IOException refused =
          assertThrows(IOException.class, () -> Blobs.get(follower, "a".repeat(64), into));
      assertTrue(String.valueOf(refused.getMessage()).contains("fetch again"));
      assertFalse(Files.exists(into));
      try (Stream<Path> left = Files.list(folder)) {
        assertEquals(0, left.count());
      }
    }
  }
}
