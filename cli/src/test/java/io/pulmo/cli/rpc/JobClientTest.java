package io.pulmo.cli.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.pulmo.coordinator.CoordinatorServer;
import io.pulmo.node.Listen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user's submissions come to, at a coordinator without workers. */
class JobClientTest {
  private final Path folder;
  private final CoordinatorServer coordinator;
  private final JobClient client;

  JobClientTest(@TempDir Path folder) throws Exception {
    this.folder = folder;
    this.coordinator =
        CoordinatorServer.start(
            new CoordinatorServer.Settings(
                Listen.loopback(0), Optional.empty(), folder.resolve("state")));
    this.client = new JobClient(List.of(coordinator.address()));
  }

  @BeforeEach
  void awaitLeader() throws Exception {
    coordinator.awaitLeader(Duration.ofSeconds(20));
  }

  @AfterEach
  void stop() {
    client.close();
    coordinator.close();
  }

  private Path job(String name, String list) throws IOException {
    Files.writeString(folder.resolve("train.txt"), list);
    Files.writeString(folder.resolve("val.txt"), "b.png 0\n");
    return Files.writeString(
        folder.resolve("JOB.yaml"),
        "name: " + name + "\ndata: {train: train.txt, validation: val.txt, images: images/}\n");
  }

  @Test
  void job_submittedAgain_isTheSameJob() throws Exception {
    String id = client.submit(job("lungs", "a.png 0\n"));
    assertEquals(id, client.submit(job("lungs", "a.png 0\n")));
    assertEquals(1, client.list().size());
  }

  @Test
  void job_ofOtherContentUnderTheNameOfOneThatWaits_isRefusedNamingIt() throws Exception {
    String id = client.submit(job("lungs", "a.png 0\n"));
    StatusRuntimeException refused =
        assertThrows(StatusRuntimeException.class, () -> client.submit(job("lungs", "c.png 1\n")));
    assertEquals(Status.Code.ALREADY_EXISTS, refused.getStatus().getCode());
    String words = StatusText.of(refused).orElseThrow();
    assertTrue(words.startsWith("job " + id + " has the name 'lungs' and other content"), words);
    assertNotEquals(id, client.submit(job("heart", "c.png 1\n")));
  }

  @Test
  void job_submittedAgainAfterItWasCancelled_isANewOne() throws Exception {
    String id = client.submit(job("lungs", "a.png 0\n"));
    client.cancel(id);
    assertNotEquals(id, client.submit(job("lungs", "a.png 0\n")));
  }
}
