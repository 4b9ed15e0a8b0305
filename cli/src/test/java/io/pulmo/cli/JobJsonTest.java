package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pulmo.cli.rpc.JobView;
import io.pulmo.cli.terminal.JsonFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobJsonTest {
  @Test
  void of_undefinedNumbers_areNull(@TempDir Path directory) throws Exception {
    JobView job =
        new JobView(
            "j-1",
            "one",
            "running",
            false,
            "",
            4,
            8,
            0.25,
            0,
            List.of(new JobView.Epoch(0, Double.NaN, 0.5, true)),
            List.of(),
            Optional.empty());
    Path file = directory.resolve("job.json");

    JsonFile.write(file, JobJson.of(job));

    JsonNode read = new ObjectMapper().readTree(file.toFile());
    assertEquals(0.25, read.at("/loss").doubleValue());
    assertTrue(read.at("/epochs/0/auc_mean").isNull(), read.toString());
    assertEquals(0.5, read.at("/epochs/0/loss").doubleValue());
  }
}
