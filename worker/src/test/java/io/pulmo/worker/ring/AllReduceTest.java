package io.pulmo.worker.ring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.Opening;
import io.pulmo.proto.PassSummary;
import io.pulmo.proto.RingGrpc;
import io.pulmo.proto.RingMessage;
import io.pulmo.proto.Segment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class AllReduceTest {
  /** Small, so that small vectors travel in several pieces. */
  private static final int PIECE = 7;

  private static final Map<Integer, Rings> SERVERS = new HashMap<>();

  @AfterContainer
  static void stop() {
    SERVERS.values().forEach(Rings::close);
  }

  @Provide
  Arbitrary<Integer> lengths() {
    return Arbitraries.oneOf(
        Arbitraries.integers().between(0, 12),
        Arbitraries.of(13, 97, 101, 997, 1009),
        Arbitraries.integers().between(0, 500));
  }

  @Property(tries = 120)
  void allReduce_anyMembersAndLengths_isTheSumInTheSameBits(
      @ForAll @IntRange(min = 1, max = 5) int members,
      @ForAll @Size(min = 1, max = 3) List<@From("lengths") Integer> lengths,
      @ForAll long seed)
      throws Exception {
    Rings rings = SERVERS.computeIfAbsent(members, n -> new Rings(n, PIECE, 10_000));
    Random random = new Random(seed);
    List<float[][]> vectors = new ArrayList<>();
    for (int length : lengths) {
      float[][] of = new float[members][length];
      for (float[] vector : of) {
        for (int i = 0; i < length; i++) {
          vector[i] = (float) random.nextGaussian();
        }
      }
      vectors.add(of);
    }
    List<double[]> sums = vectors.stream().map(AllReduceTest::sum).toList();
    rings.each(
        rings.view(),
        ring ->
            () -> {
              try (ring) {
                for (float[][] of : vectors) {
                  ring.allReduce(of[ring.plan().rank()]);
                }
              }
              return true;
            });
    for (int v = 0; v < vectors.size(); v++) {
      float[][] of = vectors.get(v);
      for (int i = 0; i < lengths.get(v); i++) {
        assertEquals(sums.get(v)[i], of[0][i], 1e-5);
      }
      for (float[] vector : of) {
        assertArrayEquals(bits(of[0]), bits(vector));
      }
    }
  }

  private static double[] sum(float[][] vectors) {
    double[] sum = new double[vectors[0].length];
    for (float[] vector : vectors) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += vector[i];
      }
    }
    return sum;
  }

  private static int[] bits(float[] values) {
    return IntStream.range(0, values.length).map(i -> Float.floatToRawIntBits(values[i])).toArray();
  }

  @Property(tries = 300)
  void received_anyRing_isWhatThePredecessorSends(
      @ForAll @IntRange(min = 2, max = 9) int members,
      @ForAll @IntRange(min = 0, max = 200) int length,
      @ForAll @IntRange(min = 1, max = 30) int piece) {
    for (int rank = 0; rank < members; rank++) {
      List<Piece> sent = new ArrayList<>();
      Piece.own(length, members, Math.floorMod(rank - 1, members), piece)
          .forEachRemaining(sent::add);
      Piece.received(length, members, Math.floorMod(rank - 1, members), piece)
          .forEachRemaining(
              p -> {
                if (p.round() + 1 < Piece.rounds(members)) {
                  sent.add(new Piece(p.round() + 1, p.offset(), p.count()));
                }
              });
      List<Piece> received = new ArrayList<>();
      Piece.received(length, members, rank, piece).forEachRemaining(received::add);
      assertEquals(sent, received);
      assertEquals(
          2L * length - chunk(length, members, rank) - chunk(length, members, rank + 1),
          received.stream().mapToInt(Piece::count).sum());
    }
  }

  private static int chunk(int length, int members, int index) {
    int chunk = index % members;
    return (int) ((long) length * (chunk + 1) / members - (long) length * chunk / members);
  }

  @Test
  @Timeout(60)
  void allReduce_memberLeavesAbruptly_othersNameIt() throws Exception {
    try (Rings rings = new Rings(3, PIECE, 10_000)) {
      List<AllReduce> members = rings.view();
      rings.each(members, ring -> () -> reduce(ring));
      Future<Boolean> first = rings.start(() -> reduce(members.get(0)));
      Future<Boolean> last = rings.start(() -> reduce(members.get(2)));
      awaitWaitingOn(members.get(2), "member-1");
      rings.server(1).shutdownNow();
      rings.service(1).close();
      assertEquals("member-1", culprit(Rings.failure(first)));
      assertEquals("member-1", culprit(Rings.failure(last)));
    }
  }

  @Test
  @Timeout(60)
  void allReduce_memberAborts_everyoneWaitingIsFreed() throws Exception {
    try (Rings rings = new Rings(2, PIECE, 10_000)) {
      List<AllReduce> members = rings.view();
      rings.each(members, ring -> () -> reduce(ring));
      Future<Boolean> waiting = rings.start(() -> reduce(members.get(0)));
      awaitWaitingOn(members.get(0), "member-1");
      members.get(1).abort("the run was stopped");
      RingBrokenException broken =
          assertInstanceOf(RingBrokenException.class, Rings.failure(waiting));
      assertEquals("member-1", broken.memberId());
      assertMentions("w1", broken);
      RingAbortedException aborted =
          assertThrows(RingAbortedException.class, () -> members.get(1).allReduce(new float[9]));
      assertMentions("the run was stopped", aborted);
    }
  }

  @Test
  @Timeout(60)
  void allReduce_interrupted_stopsWaiting() throws Exception {
    try (Rings rings = new Rings(2, PIECE, 10_000)) {
      List<AllReduce> members = rings.view();
      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      Thread thread =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      members.get(0).allReduce(new float[9]);
                    } catch (RingException | InterruptedException e) {
                      thrown.complete(e);
                    }
                  });
      awaitWaitingOn(members.get(0), "member-1");
      thread.interrupt();
      assertInstanceOf(InterruptedException.class, thrown.get(20, TimeUnit.SECONDS));
    }
  }

  @Test
  @Timeout(60)
  void allReduce_successorInstallsLater_waitsForIt() throws Exception {
    try (Rings rings = new Rings(2, PIECE, 10_000)) {
      AllReduce early = rings.join(0, 1);
      float[] values = new float[100];
      values[99] = 1;
      Future<Boolean> running =
          rings.start(
              () -> {
                early.allReduce(values);
                return true;
              });
      awaitWaitingOn(early, "member-1");
      assertTrue(reduce(rings.join(1, 1)));
      running.get(20, TimeUnit.SECONDS);
      assertEquals(1f, values[99]);
    }
  }

  @Test
  @Timeout(60)
  void allReduce_successorNeverInstalls_namesIt() throws Exception {
    try (Rings rings = new Rings(2, PIECE, 50)) {
      AllReduce early = rings.join(0, 1);
      Throwable thrown = Rings.failure(rings.start(() -> reduce(early)));
      assertEquals("member-1", culprit(thrown));
      assertMentions("no ring here", thrown);
    }
  }

  @Test
  @Timeout(60)
  void allReduce_predecessorSendsAWrongOffset_isNamed() throws Exception {
    try (Rings rings = new Rings(2, PIECE, 10_000)) {
      AllReduce ring = rings.join(0, 1);
      Future<Boolean> running = rings.start(() -> reduce(ring));
      Pass pass = new Pass(rings.plan(0, 1).self());
      pass.requests.onNext(opening("member-1", "member-0"));
      pass.requests.onNext(
          RingMessage.newBuilder()
              .setSegment(
                  Segment.newBuilder()
                      .setOffsetElements(51)
                      .setValues(ByteString.copyFrom(new byte[PIECE * 4])))
              .build());
      Throwable thrown = Rings.failure(running);
      assertEquals("member-1", culprit(thrown));
      assertMentions("offset 51", thrown);
      assertEquals(Status.Code.ABORTED, pass.status().getCode());
    }
  }

  @Test
  @Timeout(60)
  void pass_strangersStreams_areRefusedAndBounded() throws Exception {
    try (Rings rings = new Rings(2, PIECE, 300)) {
      RingPlan.Peer self = rings.plan(0, 1).self();
      Pass noOpening = new Pass(self);
      noOpening.requests.onNext(
          RingMessage.newBuilder().setSegment(Segment.getDefaultInstance()).build());
      assertEquals(Status.Code.INVALID_ARGUMENT, noOpening.status().getCode());

      List<Pass> many = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        Pass pass = new Pass(self);
        pass.requests.onNext(opening("stranger-" + i, "member-0"));
        many.add(pass);
      }
      Map<Status.Code, Integer> counts = new HashMap<>();
      for (Pass pass : many) {
        counts.merge(pass.status().getCode(), 1, Integer::sum);
      }
      assertEquals(
          Map.of(Status.Code.FAILED_PRECONDITION, 16, Status.Code.RESOURCE_EXHAUSTED, 24), counts);
    }
  }

  private static boolean reduce(AllReduce ring) throws RingException, InterruptedException {
    ring.allReduce(new float[100]);
    return true;
  }

  private static void assertMentions(String expected, Throwable thrown) {
    assertTrue(String.valueOf(thrown.getMessage()).contains(expected), thrown::toString);
  }

  private static String culprit(Throwable thrown) {
    return assertInstanceOf(RingBrokenException.class, thrown).memberId();
  }

  private static void awaitWaitingOn(AllReduce ring, String memberId) {
    while (ring.waitingOn().filter(w -> w.peer().memberId().equals(memberId)).isEmpty()) {
      Thread.onSpinWait();
    }
  }

  private static RingMessage opening(String sender, String receiver) {
    return RingMessage.newBuilder()
        .setOpening(
            Opening.newBuilder()
                .setJobId("job")
                .setView(1)
                .setSenderMemberId(sender)
                .setReceiverMemberId(receiver))
        .build();
  }

  /** A hand-driven stream into a member. */
  private static final class Pass implements StreamObserver<PassSummary> {
    private final CompletableFuture<Status> end = new CompletableFuture<>();
    private final StreamObserver<RingMessage> requests;

    Pass(RingPlan.Peer to) {
      requests = RingGrpc.newStub(Rings.connect(to)).pass(this);
    }

    Status status() throws Exception {
      return end.get(20, TimeUnit.SECONDS);
    }

    @Override
    public void onNext(PassSummary value) {}

    @Override
    public void onError(Throwable error) {
      end.complete(((StatusRuntimeException) error).getStatus());
    }

    @Override
    public void onCompleted() {
      end.complete(Status.OK);
    }
  }
}
