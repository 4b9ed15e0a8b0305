package io.pulmo.worker.rpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.job.JobSpec;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.DenseNetSpec;
import io.pulmo.model.network.Preset;
import io.pulmo.model.view.Holding;
import io.pulmo.model.view.Label;
import io.pulmo.node.Listen;
import io.pulmo.node.NodeServer;
import io.pulmo.worker.ring.RingPlan;
import io.pulmo.worker.train.Optimizer;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PeerServiceTest {
  private static final Label LABEL = new Label(3, 4);
  private static final String JOB = "job-1";

  private final PeerService service = new PeerService(new ImageServing());
  private final NodeServer server;
  private final RingPlan.Peer peer;

  PeerServiceTest() throws IOException {
    server = NodeServer.start(Listen.loopback(0), 1 << 20, List.of(service));
    peer = new RingPlan.Peer("member-1", "w1", server.address().toString());
  }

  @BeforeEach
  void serveNothing() {
    serve(state(Preset.SMALL.network(), 1), () -> true);
  }

  @AfterEach
  void stop() {
    service.close();
    server.close();
  }

  @Test
  void state_copied_isTheSameBits() throws Exception {
    DenseNetSpec network = Preset.SMALL.network();
    TrainingState held = state(network, 7);
    serve(held, () -> true);
    TrainingState copy =
        PeerCopy.state(peer, JOB, new Holding(LABEL, ""), state(network, 8).arrays());
    assertEquals(held.digest(), copy.digest());
    assertArrayEquals(held.learned(), copy.learned());
  }

  @Test
  void state_anotherThanHeld_saysWhatIsHeld() {
    IOException thrown =
        assertThrows(
            IOException.class,
            () ->
                PeerCopy.state(
                    peer,
                    JOB,
                    new Holding(new Label(3, 5), ""),
                    state(Preset.SMALL.network(), 1).arrays()));
    assertTrue(words(thrown).contains("holds step 4 of view 3"), () -> words(thrown));
    assertTrue(words(thrown).contains("w1 (member member-1)"), () -> words(thrown));
  }

  @Test
  void state_changesWhileItIsCopied_isNotTaken() {
    AtomicInteger asked = new AtomicInteger();
    serve(state(Preset.SMALL.network(), 7), () -> asked.incrementAndGet() < 3);
    IOException thrown =
        assertThrows(
            IOException.class,
            () ->
                PeerCopy.state(
                    peer, JOB, new Holding(LABEL, ""), state(Preset.SMALL.network(), 1).arrays()));
    assertTrue(words(thrown).contains("not held any more"), () -> words(thrown));
  }

  @Test
  void state_ofAnotherNetwork_isRefusedBeforeMemoryIsTaken() {
    serve(state(Preset.SMALL.network(), 7), () -> true);
    IOException thrown =
        assertThrows(
            IOException.class,
            () ->
                PeerCopy.state(
                    peer,
                    JOB,
                    new Holding(LABEL, ""),
                    state(new DenseNetSpec(4, 4, 2, List.of(1, 1)), 1).arrays()));
    assertTrue(words(thrown).contains("values were left"), () -> words(thrown));
  }

  @Test
  void state_ofADenseNet121WithAdam_isCopiedAndVerified() throws Exception {
    DenseNetSpec network = Preset.CHEXNET.network();
    TrainingState held = state(network, 7);
    serve(held, () -> true);
    String digest = held.digest();
    TrainingState side = state(network, 8);
    for (int round = 0; round < 3; round++) {
      long begun = System.nanoTime();
      TrainingState copy = PeerCopy.state(peer, JOB, new Holding(LABEL, ""), side.arrays());
      long copied = System.nanoTime();
      assertEquals(digest, copy.digest());
      System.out.printf(
          "copied in %.0f ms, verified in %.0f ms%n",
          (copied - begun) / 1e6, (System.nanoTime() - copied) / 1e6);
    }
  }

  private static String words(IOException e) {
    return String.valueOf(e.getMessage());
  }

  private void serve(TrainingState held, BooleanSupplier isHeld) {
    service.serve(
        new PeerService.Holdings() {
          @Override
          public Held state(String jobId, Holding wanted) throws PeerService.NotHeldException {
            if (!wanted.label().equals(LABEL)) {
              throw new PeerService.NotHeldException("w1 holds " + LABEL, true);
            }
            return new Held(held, isHeld);
          }

          @Override
          public Path checkpoint(String jobId, String sha256) throws PeerService.NotHeldException {
            throw new PeerService.NotHeldException("none", true);
          }
        });
  }

  private static TrainingState state(DenseNetSpec network, long seed) {
    Random random = new Random(seed);
    float[] learned = new float[network.learnedSize()];
    float[] gradient = new float[network.learnedSize()];
    for (int i = 0; i < learned.length; i++) {
      learned[i] = random.nextFloat();
      gradient[i] = learned[i] - 0.5f;
    }
    TrainingState state =
        new TrainingState(
            learned,
            new float[network.statisticsSize()],
            Optimizer.create(JobSpec.Optimizer.Kind.ADAM, learned.length),
            0.01,
            Ledger.start(new Sampler(100, 10, seed)));
    state.apply(gradient, new float[network.statisticsSize()], 0.1f);
    return state;
  }
}
