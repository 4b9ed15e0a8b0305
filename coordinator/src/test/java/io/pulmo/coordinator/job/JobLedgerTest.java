package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.FileEntry;
import io.pulmo.model.bundle.Manifest;
import io.pulmo.model.bundle.Sha256;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.LedgerFile;
import io.pulmo.model.ledger.LedgerVerifier;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.network.Preset;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.ViewJournal.Restore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobLedgerTest {
  private static final String YAML =
      "name: lungs\ndata: {train: t.txt, validation: t.txt, images: i}\nbatch: 4\nseed: 9\n";
  private static final Sampler SAMPLER = new Sampler(10, 4, 9);

  private final BlobStore blobs;

  JobLedgerTest(@TempDir Path folder) throws IOException {
    blobs = new BlobStore(folder);
  }

  private String store(byte[] bytes) throws IOException {
    String sha256 = Sha256.of(bytes);
    try (BlobStore.Incoming incoming = blobs.receive(sha256, bytes.length)) {
      incoming.write(ByteBuffer.wrap(bytes));
      incoming.finish();
    }
    return sha256;
  }

  private static byte[] list() {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < SAMPLER.samples(); i++) {
      lines.append(i).append(".png 0 0 0 0 0 0 0 0 0 0 0 0 0 1\n");
    }
    return lines.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static JobRecord job(String listSha256, String manifest) {
    return new JobRecord(
        "lungs-abc",
        1,
        "lungs",
        "",
        YAML,
        List.of(new JobRecord.File("t.txt", listSha256, 1)),
        JobState.RUNNING,
        "",
        0,
        0,
        0,
        5,
        2,
        "",
        List.of(),
        11,
        null,
        List.of(),
        List.of(),
        manifest);
  }

  private static PastView view(long id, Label continues) {
    return new PastView(
        id, 2, continues, List.of(new PastView.Part("m" + id, "worker " + id, 1)), "because");
  }

  @Test
  void leaders_afterARestore_isTheLineageAlone() throws IOException {
    List<PastView> views =
        List.of(
            view(1, Label.START),
            view(3, new Label(1, 6)),
            // Views 3 and 4 were lost with all who had them.
            view(4, new Label(3, 8)),
            view(5, new Label(1, 4)));
    List<Restore> restores = List.of(new Restore(5, 4, 9));
    JobLedger ledger = new JobLedger(job(store(list()), ""), views, restores);
    LedgerFile file = LedgerFile.parse(ledger.leaders(blobs).json());
    assertEquals(11, file.steps());
    assertEquals(List.of(1L, 5L), file.ledger().spans().stream().map(Ledger.Span::view).toList());
    assertEquals(SAMPLER, file.ledger().sampler());
    assertEquals(
        new LedgerVerifier.Verdict(Optional.empty(), 3, 2, 5), LedgerVerifier.verify(file));
    assertArrayEquals(new byte[0], ledger.states(blobs).json());
    assertEquals("", ledger.states(blobs).lacks());
  }

  @Test
  void leaders_whenTheLastViewTookNoStep_isAsTheStateHasIt() throws IOException {
    List<PastView> views = List.of(view(1, Label.START), view(2, new Label(1, 11)));
    JobLedger ledger = new JobLedger(job(store(list()), ""), views, List.of());
    LedgerFile file = LedgerFile.parse(ledger.leaders(blobs).json());
    assertEquals(11, file.steps());
    assertEquals(List.of(1L), file.ledger().spans().stream().map(Ledger.Span::view).toList());
  }

  @Test
  void leaders_whatIsMissing_isSaid() throws IOException {
    JobLedger none = new JobLedger(job("a".repeat(64), ""), List.of(), List.of());
    assertEquals("", none.leaders(blobs).lacks());
    assertEquals(0, none.leaders(blobs).json().length);
    JobLedger noList =
        new JobLedger(job("a".repeat(64), ""), List.of(view(1, Label.START)), List.of());
    assertTrue(noList.leaders(blobs).lacks().contains("job lungs-abc"));
    JobLedger forgotten =
        new JobLedger(job(store(list()), ""), List.of(view(2, new Label(1, 3))), List.of());
    assertTrue(forgotten.leaders(blobs).lacks().contains("view 1 is not among the 1"));
  }

  private String bundle(FileEntry file) throws IOException {
    return store(
        new Manifest(
                Manifest.FORMAT,
                "lungs",
                1,
                "2026-01-31T12:00:00Z",
                Preset.SMALL.network(),
                Preset.SMALL.preprocessing(),
                Manifest.LABELS,
                List.of(file),
                Map.of())
            .json());
  }

  @Test
  void states_ofABundle_isItsLedger() throws IOException {
    byte[] json = new LedgerFile(Ledger.start(SAMPLER), 0).toJson();
    String with = bundle(new FileEntry(Bundle.LEDGER, json.length, store(json)));
    JobLedger ledger = new JobLedger(job("a".repeat(64), with), List.of(), List.of());
    assertArrayEquals(json, ledger.states(blobs).json());
    String without = bundle(new FileEntry("fp32.onnx", 1, "a".repeat(64)));
    for (String manifest : List.of(without, "b".repeat(64))) {
      JobLedger lacking = new JobLedger(job("a".repeat(64), manifest), List.of(), List.of());
      assertEquals(0, lacking.states(blobs).json().length);
      assertTrue(lacking.states(blobs).lacks().contains("bundle of job lungs-abc"));
    }
  }
}
