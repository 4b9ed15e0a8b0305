package io.pulmo.coordinator.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.pulmo.coordinator.FakeClock;
import io.pulmo.coordinator.job.BlobStore;
import io.pulmo.coordinator.job.BlobUses;
import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.JobState;
import io.pulmo.model.bundle.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which blobs a coordinator keeps, with nobody else up. */
class BlobKeeperTest {
  private final Path folder;
  private final BlobStore store;
  private final FakeClock clock = new FakeClock();
  private final List<BlobUses.Use> uses = new ArrayList<>();
  private final BlobKeeper keeper;

  BlobKeeperTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.store = new BlobStore(folder);
    this.keeper = new BlobKeeper(store, new BlobCopies(store, List::of), () -> uses, clock::nanos);
  }

  /** Stores a text that was last wanted two days ago. */
  private String old(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    String sha256 = HexFormat.of().formatHex(Sha256.newDigest().digest(bytes));
    try (BlobStore.Incoming incoming = store.receive(sha256, bytes.length)) {
      incoming.write(ByteBuffer.wrap(bytes));
      incoming.finish();
    }
    Files.setLastModifiedTime(
        folder.resolve(sha256.substring(0, 2)).resolve(sha256),
        FileTime.from(Instant.now().minus(Duration.ofDays(2))));
    return sha256;
  }

  private void use(JobState state, String file, String manifest) {
    uses.add(new BlobUses.Use(state, List.of(new JobRecord.File("t", file, 1)), manifest));
  }

  private Set<String> stored() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(path -> String.valueOf(path.getFileName()))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void blobs_ofJobsThatWaitRunOrAreCompleted_stay_theOthersGo() throws Exception {
    String queued = old("queued");
    String running = old("running");
    String completed = old("completed");
    use(JobState.QUEUED, queued, "");
    use(JobState.RUNNING, running, "");
    use(JobState.COMPLETED, completed, "");
    use(JobState.FAILED, old("failed"), "");
    use(JobState.CANCELLED, old("cancelled"), "");
    old("nobody's");
    keeper.look();
    assertEquals(new TreeSet<>(Set.of(queued, running, completed)), stored());
  }

  @Test
  void blobs_whileAJobsManifestIsNotUnderstood_allStay() throws Exception {
    String manifest = old("no manifest");
    use(JobState.COMPLETED, manifest, manifest);
    String unknown = old("perhaps its weights");
    keeper.look();
    assertEquals(new TreeSet<>(Set.of(manifest, unknown)), stored());
  }

  @Test
  void blobs_whileNobodyCanSayWhatJobsThereAre_allStay() throws Exception {
    String blob = old("nobody's");
    BlobKeeper blind =
        new BlobKeeper(
            store,
            new BlobCopies(store, List::of),
            () -> {
              throw new IOException("ZooKeeper is away");
            },
            clock::nanos);
    assertThrows(IOException.class, blind::look);
    assertEquals(Set.of(blob), stored());
  }

  @Test
  void blobs_areCollectedOnceAnHour() throws Exception {
    keeper.look();
    String blob = old("later");
    keeper.look();
    assertEquals(Set.of(blob), stored());
    clock.advance(Duration.ofMinutes(61));
    keeper.look();
    assertEquals(Set.of(), stored());
  }
}
