package io.pulmo.worker.rpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetImageRequest;
import io.pulmo.proto.GetManifestRequest;
import io.pulmo.proto.ManifestChunk;
import io.pulmo.worker.train.TrainingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PeerImagesTest {
  private static final List<String> NAMES =
      IntStream.range(0, 20).mapToObj(i -> i + ".png").toList();

  private final Path dir;
  private final List<DataMember> members = new ArrayList<>();

  PeerImagesTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @AfterEach
  void close() throws Exception {
    for (DataMember member : members) {
      member.close();
    }
  }

  @Test
  void read_disjointHalves_eachPullsWhatItLacksOnce() throws Exception {
    DataMember one = member("one", held(0, 10));
    DataMember two = member("two", held(10, 20));
    one.meets(two);
    two.meets(one);
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < NAMES.size(); i++) {
        assertArrayEquals(content(i), one.images.read(NAMES.get(i)));
        assertArrayEquals(content(i), two.images.read(NAMES.get(i)));
      }
    }
    assertEquals(10, one.images.pulls());
    assertEquals(10, two.images.pulls());
    assertEquals(10, files(one.cache));
    one.images.discard();
    assertFalse(Files.exists(one.cache));
  }

  @Test
  void read_severalHolders_askEachForSome() throws Exception {
    DataMember one = member("one", held(0, 0));
    Counting first = new Counting();
    Counting second = new Counting();
    one.meets(member("two", held(0, 20), first), member("three", held(0, 20), second));
    for (String name : NAMES) {
      one.images.read(name);
    }
    assertEquals(10, first.count);
    assertEquals(10, second.count);
  }

  @Test
  void read_peerGivesWrongBytes_takesTheNextOne() throws Exception {
    DataMember one = member("one", held(0, 0));
    DataMember liar = member("liar", held(0, 20), new Giving(content(99), true));
    one.meets(liar, member("two", held(0, 20)));
    for (int i = 0; i < NAMES.size(); i++) {
      assertArrayEquals(content(i), one.images.read(NAMES.get(i)));
    }
    one.images.discard();
    one.meets(liar);
    String said = failure(one, "7.png");
    assertTrue(
        said.contains("liar gave 5000 bytes with SHA-256 ")
            && said.contains(", expected 5000 with"),
        said);
  }

  @Test
  void read_peerSendsWithoutEnd_isCutOff() throws Exception {
    CountDownLatch cancelled = new CountDownLatch(1);
    DataMember one = member("one", held(0, 0));
    one.meets(
        member(
            "endless",
            held(0, 20),
            new DataMember.Answers() {
              @Override
              public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
                var call = (ServerCallStreamObserver<FileChunk>) responses;
                call.setOnCancelHandler(cancelled::countDown);
                call.setOnReadyHandler(
                    () -> {
                      while (call.isReady()) {
                        call.onNext(chunk(new byte[4000]));
                      }
                    });
              }
            }));
    String said = failure(one, "0.png");
    assertTrue(said.contains("endless: it sends more than the 5000 bytes expected"), said);
    cancelled.await();
  }

  @Test
  void read_peerStopsInTheMiddle_asksAnother() throws Exception {
    DataMember one = member("one", held(0, 0));
    DataMember cut = member("cut", held(0, 20), new Giving(new byte[2000], false));
    DataMember ends = member("short", held(0, 20), new Giving(new byte[2000], true));
    DataMember silent = member("silent", held(0, 20), new Giving(new byte[0], false));
    one.meets(cut, ends, silent, member("two", held(0, 20)));
    // The first image is asked for in this order.
    assertArrayEquals(content(0), one.images.read(NAMES.get(0)));
    one.images.discard();
    one.meets(ends);
    String said = failure(one, "0.png");
    assertTrue(said.contains("short: it sent 2000 bytes, expected 5000"), said);
    one.meets(cut);
    said = failure(one, "0.png");
    assertTrue(said.contains("cut: nothing came for 2000 ms"), said);
  }

  @Test
  void read_nobodyHoldsIt_waitsForAMemberThatDoes() throws Exception {
    DataMember one = member("one", held(0, 10));
    Asked asked = new Asked();
    DataMember two = member("two", held(0, 10), asked);
    one.meets(two);
    FutureTask<byte[]> reading = new FutureTask<>(() -> one.images.read("15.png"));
    Thread.ofPlatform().start(reading);
    asked.latch.await();
    one.meets(two, member("three", held(10, 20)));
    assertArrayEquals(content(15), reading.get());
  }

  @Test
  void read_holderIsGone_takesWhatAnotherHasPulled() throws Exception {
    DataMember one = member("one", held(0, 0));
    DataMember two = member("two", held(0, 10));
    DataMember holder = member("holder", held(10, 20));
    one.meets(two, holder);
    two.meets(one, holder);
    two.images.read("15.png");
    one.images.read("16.png");
    holder.stop();
    one.meets(two);
    assertArrayEquals(content(15), one.images.read("15.png"));
    FutureTask<byte[]> reading = new FutureTask<>(() -> one.images.read("17.png"));
    Thread.ofPlatform().start(reading);
    one.meets(two, member("next", held(17, 18)));
    assertArrayEquals(content(17), reading.get());
  }

  @Test
  void read_peerComesBack_isAskedAgain() throws Exception {
    DataMember one =
        new DataMember(
            dir, "one", NAMES, held(0, 0), new DataMember.Answers(), Duration.ofMinutes(1));
    members.add(one);
    Refusing refusing = new Refusing(2);
    one.meets(member("busy", held(0, 20), refusing));
    assertArrayEquals(content(3), one.images.read("3.png"));
    assertEquals(0, refusing.left);
  }

  @Test
  void read_otherBytesUnderOneName_failsWithBothSides() throws Exception {
    DataMember one = member("one", held(0, 10));
    Map<String, byte[]> other = held(0, 20);
    other.put("4.png", new byte[] {1});
    one.meets(member("two", other));
    String said = failure(one, "15.png");
    assertTrue(
        said.startsWith(
            "worker one holds other data than worker two under the same name: 4.png has 5,000 bytes, SHA-256 "),
        said);
    assertTrue(said.contains(" on one, 1 bytes, SHA-256 4bf5122f"), said);
  }

  @Test
  void read_manifestOfAnotherLength_isNotBelieved() throws Exception {
    for (int bytes : new int[] {0, 36 * 19, 36 * 20 + 1, 36 * 21}) {
      DataMember one = member("one" + bytes, held(0, 0));
      one.meets(
          member(
              "two" + bytes,
              held(0, 20),
              new DataMember.Answers() {
                @Override
                public void getManifest(
                    GetManifestRequest request, StreamObserver<ManifestChunk> responses) {
                  if (bytes > 0) {
                    responses.onNext(
                        ManifestChunk.newBuilder()
                            .setEntries(ByteString.copyFrom(new byte[bytes]))
                            .build());
                  }
                  responses.onCompleted();
                }
              }));
      String said = failure(one, "0.png");
      assertTrue(said.contains(": it sen") && said.contains("720"), said);
    }
  }

  @Test
  void read_ownFileChanged_takesAPeersOrSaysSo() throws Exception {
    DataMember one = member("one", held(0, 20));
    Files.write(one.folder.resolve("5.png"), content(6));
    String said = failure(one, "5.png");
    assertTrue(
        said.matches(
            "worker one: the image .*5\\.png has changed since it was indexed \\(5,000 bytes, SHA-256 [0-9a-f]{64}\\): put it back, or restart the worker; worker one comes by .*"),
        said);
    one.meets(member("two", held(0, 20)));
    assertArrayEquals(content(5), one.images.read("5.png"));
    Files.delete(one.folder.resolve("6.png"));
    assertArrayEquals(content(6), one.images.read("6.png"));
    Files.write(one.folder.resolve("7.png"), new byte[5001]);
    assertArrayEquals(content(7), one.images.read("7.png"));
  }

  @Test
  void read_interrupted_endsAtOnceAndLeavesNothing() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    DataMember one = member("one", held(0, 0));
    one.meets(
        member(
            "silent",
            held(0, 20),
            new DataMember.Answers() {
              @Override
              public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
                responses.onNext(chunk(new byte[100]));
                asked.countDown();
              }
            }));
    FutureTask<byte[]> reading = new FutureTask<>(() -> one.images.read("0.png"));
    Thread thread = Thread.ofPlatform().start(reading);
    asked.await();
    thread.interrupt();
    ExecutionException thrown = assertThrows(ExecutionException.class, reading::get);
    assertInstanceOf(InterruptedException.class, thrown.getCause());
    assertFalse(Files.exists(one.cache));
  }

  /** Answers GetImage with these bytes, then ends or not. */
  private static final class Giving extends DataMember.Answers {
    private final byte[] bytes;
    private final boolean ends;

    Giving(byte[] bytes, boolean ends) {
      this.bytes = bytes;
      this.ends = ends;
    }

    @Override
    public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
      if (bytes.length > 0) {
        responses.onNext(chunk(bytes));
      }
      if (ends) {
        responses.onCompleted();
      }
    }
  }

  /** Opens a latch when it has told what it holds. */
  private static final class Asked extends DataMember.Answers {
    private final CountDownLatch latch = new CountDownLatch(1);

    @Override
    public void getManifest(GetManifestRequest request, StreamObserver<ManifestChunk> responses) {
      super.getManifest(request, responses);
      latch.countDown();
    }
  }

  private static final class Counting extends DataMember.Answers {
    private volatile int count;

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one reader at a time
    public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
      count++;
      super.getImage(request, responses);
    }
  }

  private static final class Refusing extends DataMember.Answers {
    private volatile int left;

    Refusing(int times) {
      left = times;
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one reader at a time
    public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
      if (left == 0) {
        super.getImage(request, responses);
      } else {
        left--;
        responses.onError(Status.RESOURCE_EXHAUSTED.asRuntimeException());
      }
    }
  }

  private DataMember member(String name, Map<String, byte[]> held) throws Exception {
    return member(name, held, new DataMember.Answers());
  }

  private DataMember member(String name, Map<String, byte[]> held, DataMember.Answers answers)
      throws Exception {
    DataMember member = new DataMember(dir, name, NAMES, held, answers, DataMember.NONE);
    members.add(member);
    return member;
  }

  private static String failure(DataMember member, String image) {
    return String.valueOf(
        assertThrows(TrainingException.class, () -> member.images.read(image)).getMessage());
  }

  private static long files(Path folder) throws Exception {
    try (Stream<Path> all = Files.list(folder)) {
      return all.count();
    }
  }

  private static FileChunk chunk(byte[] bytes) {
    return FileChunk.newBuilder().setData(ByteString.copyFrom(bytes)).build();
  }

  static byte[] content(int image) {
    byte[] content = new byte[5000];
    new Random(image).nextBytes(content);
    return content;
  }

  private static Map<String, byte[]> held(int from, int to) {
    Map<String, byte[]> held = new HashMap<>();
    for (int i = from; i < to; i++) {
      held.put(NAMES.get(i), content(i));
    }
    return held;
  }
}
