package io.pulmo.worker.rpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.BlockingClientCall;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetImageRequest;
import io.pulmo.proto.GetManifestRequest;
import io.pulmo.proto.PeerGrpc;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ImageServingTest {
  private static final int LARGE = 3_000_000;

  private final Path dir;
  private final DataMember member;
  private final ManagedChannel channel;

  ImageServingTest(@TempDir Path dir) throws Exception {
    this.dir = dir;
    byte[] large = new byte[LARGE];
    new Random(1).nextBytes(large);
    DataMember.Answers answers = new DataMember.Answers();
    answers.serving = new ImageServing(new Transfers(1, 100_000, 700_000_000));
    Map<String, byte[]> held = Map.of("a.png", new byte[] {1, 2, 3}, "large.png", large);
    member =
        new DataMember(
            dir, "one", List.of("a.png", "large.png", "none.png"), held, answers, DataMember.NONE);
    Files.write(member.folder.resolve("secret.png"), new byte[] {9});
    Files.write(dir.resolve("outside.png"), new byte[] {9});
    channel = NettyChannelBuilder.forTarget(member.peer().address()).usePlaintext().build();
  }

  @AfterEach
  void stop() throws Exception {
    channel.shutdownNow();
    member.close();
  }

  @Test
  void getImage_largeOne_comesWholeInPieces() throws Exception {
    assertArrayEquals(Files.readAllBytes(member.folder.resolve("large.png")), get("large.png", ""));
  }

  @Test
  void getImage_nameThatNoListHas_isNotFoundWhateverItSays() {
    for (String name :
        List.of(
            "secret.png", "../../outside.png", dir + "/outside.png", "./a.png", "", "a.png\0")) {
      assertEquals(
          "NOT_FOUND: image '%s' cannot be given: the job's lists name no such image"
              .formatted(name.replace('\0', '?')),
          refusal(DataMember.JOB, name, ""));
    }
    assertEquals(
        "NOT_FOUND: image 'none.png' cannot be given: it lies neither under --data here nor among the images pulled",
        refusal(DataMember.JOB, "none.png", ""));
    assertEquals(
        "NOT_FOUND: image 'none.png' cannot be given: it lies neither under --data here nor among the images pulled",
        refusal(DataMember.JOB, "none.png", "../../../outside.png"));
  }

  @Test
  void getImage_otherDigest_saysWhatItHas() throws Exception {
    String has = member.images.index().manifest().sha256(0);
    assertArrayEquals(new byte[] {1, 2, 3}, get("a.png", has));
    assertEquals(
        "NOT_FOUND: image 'a.png' cannot be given: other bytes lie under that name here: 3 bytes, SHA-256 "
            + has,
        refusal(DataMember.JOB, "a.png", "0".repeat(64)));
  }

  @Test
  void getImage_otherJob_isRefused() throws Exception {
    assertEquals(
        "FAILED_PRECONDITION: this worker is not enlisted in job 'other'",
        refusal("other", "a.png", ""));
    member.serving.withdraw(DataMember.JOB);
    assertEquals(
        "FAILED_PRECONDITION: this worker is not enlisted in job 'job-1'",
        refusal(DataMember.JOB, "a.png", ""));
    StatusException manifest =
        assertThrows(
            StatusException.class,
            () ->
                PeerGrpc.newBlockingV2Stub(channel)
                    .getManifest(GetManifestRequest.newBuilder().setJobId("job-1").build())
                    .read());
    assertEquals(
        "FAILED_PRECONDITION: this worker is not enlisted in job 'job-1'", manifest.getMessage());
  }

  @Test
  void getImage_fileHasChanged_isNotGiven() throws Exception {
    Files.write(member.folder.resolve("a.png"), new byte[] {1, 2, 3, 4});
    assertEquals(
        "NOT_FOUND: image 'a.png' cannot be given: the file has changed since it was indexed",
        refusal(DataMember.JOB, "a.png", ""));
  }

  @Test
  void getImage_receiverTakesNothing_losesItsPlace() throws Exception {
    BlockingClientCall<?, FileChunk> slow = call(DataMember.JOB, "large.png", "");
    slow.read();
    assertEquals(
        "RESOURCE_EXHAUSTED: 1 transfers are under way: try again",
        refusal(DataMember.JOB, "a.png", ""));
    // Nothing is read from the slow one: its place is free once the server has lost patience.
    long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    byte[] got = null;
    while (got == null && System.nanoTime() < giveUp) {
      try {
        got = get("a.png", "");
      } catch (StatusException e) {
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
      }
    }
    assertArrayEquals(new byte[] {1, 2, 3}, got);
    StatusException thrown =
        assertThrows(
            StatusException.class,
            () -> {
              while (slow.read() != null) {}
            });
    assertEquals("ABORTED: nothing was taken for a long time", thrown.getMessage());
  }

  @Test
  void getImage_receiverCancels_freesItsPlaceAtOnce() throws Exception {
    // Idle transfers keep their place here for as long as the test takes.
    member.serving.close();
    DataMember.Answers answers = new DataMember.Answers();
    answers.serving = new ImageServing(new Transfers(1, 100_000, TimeUnit.HOURS.toNanos(1)));
    Map<String, byte[]> held = Map.of("large.png", new byte[LARGE]);
    DataMember other =
        new DataMember(dir, "two", List.of("large.png"), held, answers, DataMember.NONE);
    ManagedChannel to =
        NettyChannelBuilder.forTarget(other.peer().address()).usePlaintext().build();
    try {
      GetImageRequest request =
          GetImageRequest.newBuilder().setJobId(DataMember.JOB).setName("large.png").build();
      for (int i = 0; i < 5; i++) {
        FileChunk first = null;
        while (first == null) {
          BlockingClientCall<?, FileChunk> call = PeerGrpc.newBlockingV2Stub(to).getImage(request);
          try {
            first = call.read();
          } catch (StatusException e) {
            assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
          } finally {
            call.cancel("enough", null);
          }
        }
      }
    } finally {
      to.shutdownNow();
      other.close();
    }
  }

  private BlockingClientCall<?, FileChunk> call(String job, String name, String sha256) {
    return PeerGrpc.newBlockingV2Stub(channel)
        .getImage(
            GetImageRequest.newBuilder().setJobId(job).setName(name).setSha256(sha256).build());
  }

  private byte[] get(String name, String sha256) throws Exception {
    BlockingClientCall<?, FileChunk> call = call(DataMember.JOB, name, sha256);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (FileChunk chunk = call.read(); chunk != null; chunk = call.read()) {
      chunk.getData().writeTo(out);
    }
    return out.toByteArray();
  }

  private String refusal(String job, String name, String sha256) {
    return String.valueOf(
        assertThrows(StatusException.class, () -> call(job, name, sha256).read()).getMessage());
  }
}
