package io.pulmo.model.ledger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.ledger.Ledger.Part;
import io.pulmo.model.ledger.Ledger.Recorded;
import io.pulmo.model.ledger.Ledger.Span;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.ViewJournal.Restore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class LedgerTest {
  private static final Sampler SAMPLER = new Sampler(103, 8, 5);
  private static final Part A = new Part("a", "host-1:7000 (11)", 3);
  private static final Part B = new Part("b", "host-2:7000 (12)", 1);

  /**
   * A job's life drawn by chance: views that take steps or none, checkpoints, and restores of them.
   * Its state notes a view with the first step there, as a worker does.
   */
  private static final class Life {
    private final Random random;
    private final Sampler sampler;
    private final List<Recorded> views = new ArrayList<>();
    private final List<Restore> restores = new ArrayList<>();
    private final List<Held> checkpoints = new ArrayList<>();
    private Ledger ledger;
    private Label label = Label.START;
    private long epoch = 1;

    /** A state as a checkpoint holds it. */
    private record Held(Label label, Ledger ledger) {}

    Life(long seed) {
      random = new Random(seed);
      sampler = new Sampler(1 + random.nextInt(200), 1 + random.nextInt(20), seed);
      ledger = Ledger.start(sampler);
      long view = 0;
      int changes = 1 + random.nextInt(12);
      for (int i = 0; i < changes; i++) {
        view += 1 + random.nextInt(3);
        epoch += random.nextInt(2);
        boolean goesBack = !checkpoints.isEmpty() && random.nextInt(4) == 0;
        if (goesBack) {
          Held to = checkpoints.get(random.nextInt(checkpoints.size()));
          restores.add(new Restore(view, to.label.step(), Math.max(label.step(), to.label.step())));
          // What was left behind is on no lineage any more.
          checkpoints.subList(checkpoints.indexOf(to) + 1, checkpoints.size()).clear();
          label = to.label;
          ledger = to.ledger;
        }
        List<Part> parts = parts(view);
        views.add(new Recorded(view, epoch, label, parts));
        // Some views are written, but entered by nobody.
        if (random.nextInt(5) > 0) {
          label = new Label(view, label.step());
          live(view, parts);
        }
      }
      label = new Label(view, label.step());
    }

    private void live(long view, List<Part> parts) {
      // One view in four takes no step, the last of them too.
      int steps = random.nextInt(4) == 0 ? 0 : random.nextInt(3 * sampler.stepsPerEpoch());
      if (steps > 0) {
        ledger = ledger.enter(view, epoch, label.step(), parts, restores);
      }
      for (int s = 0; s < steps; s++) {
        label = new Label(view, label.step() + 1);
        if (random.nextInt(10) == 0) {
          checkpoints.add(new Held(label, ledger));
        }
      }
    }

    private List<Part> parts(long view) {
      List<Part> parts = new ArrayList<>();
      int members = 1 + random.nextInt(4);
      for (int m = 0; m < members; m++) {
        parts.add(
            new Part(
                "m" + view % 3 + m,
                "host " + m,
                m == 0 ? 1 + random.nextInt(9) : random.nextInt(9)));
      }
      return parts;
    }

    LedgerFile file() {
      return new LedgerFile(ledger, label.step());
    }
  }

  @Property(tries = 400)
  void verify_anyLife_countsEachSampleOnce(@ForAll long seed) throws IOException {
    Life life = new Life(seed);
    LedgerFile file = life.file();
    LedgerVerifier.Verdict verdict = LedgerVerifier.verify(file);
    assertEquals(Optional.empty(), verdict.fault());
    int perEpoch = life.sampler.stepsPerEpoch();
    assertEquals(file.steps(), verdict.wholeEpochs() * perEpoch + verdict.stepsBeyond());
    assertEquals(file, LedgerFile.parse(file.toJson()));
    // The leader's record alone tells the same.
    assertEquals(
        life.ledger, Ledger.ofViews(life.sampler, life.views, life.restores).after(file.steps()));
    // And so do the accounts: together they are all positions gone through.
    long samples = LedgerAccount.of(file).stream().mapToLong(LedgerAccount::samples).sum();
    long expected =
        verdict.wholeEpochs() * life.sampler.samples()
            + (verdict.stepsBeyond() == 0
                ? 0
                : life.sampler.batchOf((int) verdict.stepsBeyond() - 1).to());
    assertEquals(expected, samples);
  }

  private static LedgerFile twoViews(UnaryOperator<List<Span>> change) {
    List<Span> spans = new ArrayList<>();
    spans.add(new Span(1, 4, 0, List.of(A, B)));
    spans.add(new Span(3, 4, 20, List.of(A)));
    spans.add(new Span(6, 5, 31, List.of(B, A)));
    return new LedgerFile(
        new Ledger(SAMPLER, change.apply(spans), List.of(new Restore(5, 31, 40))), 50);
  }

  private static void assertFault(String expected, LedgerFile file) {
    String fault = LedgerVerifier.verify(file).fault().orElse("none");
    assertTrue(fault.contains(expected), fault);
  }

  private static LedgerFile with(int at, Span span) {
    return twoViews(
        spans -> {
          spans.set(at, span);
          return spans;
        });
  }

  @Test
  void verify_whatIsWrong_isNamed() {
    LedgerFile right = twoViews(spans -> spans);
    LedgerVerifier.Verdict verdict = LedgerVerifier.verify(right);
    assertEquals(new LedgerVerifier.Verdict(Optional.empty(), 3, 50 - 3 * 13, 9), verdict);
    assertFault("no view took the steps 0 to 49", twoViews(spans -> List.of()));
    assertFault(
        "no view took the steps 0 to 19: the first, view 3", twoViews(s -> s.subList(1, 3)));
    assertFault("steps from 20 on were counted twice", with(2, new Span(6, 5, 20, List.of(A))));
    assertFault("view 1 comes after view 1", with(1, new Span(1, 4, 20, List.of(A))));
    assertFault("an old leader wrote it", with(2, new Span(6, 3, 31, List.of(A))));
    assertFault("twice", with(1, new Span(3, 4, 20, List.of(A, A))));
    assertFault("nobody has a share in view 3", with(1, new Span(3, 4, 20, List.of())));
    assertFault(
        "share -1 in view 3", with(1, new Span(3, 4, 20, List.of(A, new Part("c", "c", -1)))));
    assertFault("only 50 steps were taken", with(2, new Span(6, 5, 51, List.of(A))));
    assertFault(
        "view 6 begins at step 33, but view 5 was restored to step 31",
        with(2, new Span(6, 5, 33, List.of(A))));
    assertFault("the newest view is 3", twoViews(spans -> spans.subList(0, 2)));
    assertFault(
        "cannot be",
        new LedgerFile(
            new Ledger(SAMPLER, right.ledger().spans(), List.of(new Restore(5, 31, 30))), 50));
    assertFault("tells of -1 steps", new LedgerFile(right.ledger(), -1));
  }

  @Test
  void difference_ofTwoLedgers_namesTheFirst() {
    Ledger own = twoViews(spans -> spans).ledger();
    assertEquals(Optional.empty(), LedgerVerifier.difference(own, own));
    Ledger shorter = new Ledger(SAMPLER, own.spans().subList(0, 2), own.restores());
    assertEquals(
        "the state's ledger has view 6 of leader epoch 5 from step 31 with [host-2:7000 (12) 1,"
            + " host-1:7000 (11) 3] where the leader's record has no view",
        LedgerVerifier.difference(own, shorter).orElseThrow());
    assertTrue(
        LedgerVerifier.difference(own, new Ledger(SAMPLER, own.spans(), List.of())).isPresent());
    assertTrue(
        LedgerVerifier.difference(
                own, new Ledger(new Sampler(1, 1, 1), own.spans(), own.restores()))
            .isPresent());
  }

  @Test
  void ofViews_aViewOfTheLineageIsForgotten_saysWhich() {
    List<Recorded> views =
        List.of(
            new Recorded(2, 1, new Label(1, 5), List.of(A)),
            new Recorded(3, 1, new Label(2, 9), List.of(A)));
    IllegalArgumentException thrown =
        assertThrows(
            IllegalArgumentException.class, () -> Ledger.ofViews(SAMPLER, views, List.of()));
    assertTrue(String.valueOf(thrown.getMessage()).contains("view 1 is not among"));
  }

  @Test
  void toJson_manyViewsOfTheSameMembers_isShort() {
    Ledger ledger = Ledger.start(SAMPLER);
    for (int view = 1; view <= 1000; view++) {
      List<Part> parts = new ArrayList<>();
      for (int m = 0; m < 8; m++) {
        parts.add(
            new Part("0123456789abcdef" + m, "machine-%d.hospital:7000 (4711)".formatted(m), 3));
      }
      ledger = ledger.enter(view, 1, view * 100L - 100, parts, List.of());
    }
    int bytes = new LedgerFile(ledger, 100_000).toJson().length;
    assertTrue(bytes < 120_000, () -> bytes + " bytes");
  }

  @Test
  void parse_anyByteAltered_isRefusedOrAnotherLedger() throws IOException {
    LedgerFile file = twoViews(spans -> spans);
    byte[] json = file.toJson();
    int refused = 0;
    for (int at = 0; at < json.length; at++) {
      byte[] altered = json.clone();
      altered[at] ^= 1;
      try {
        assertArrayEquals(altered, LedgerFile.parse(altered).toJson());
      } catch (IOException e) {
        refused++;
      }
    }
    assertTrue(refused > json.length / 2);
    assertThrows(IOException.class, () -> LedgerFile.parse(Arrays.copyOf(json, json.length - 1)));
    assertThrows(
        IOException.class, () -> LedgerFile.parse("null".getBytes(StandardCharsets.UTF_8)));
    assertThrows(IOException.class, () -> LedgerFile.parse(new byte[LedgerFile.MOST_BYTES + 1]));
  }
}
