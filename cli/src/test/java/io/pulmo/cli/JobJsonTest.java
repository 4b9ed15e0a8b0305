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
            Double.NaN,
            0,
            List.of(new JobView.Epoch(0, Double.NaN, 0.5, true)),
            List.of(new JobView.Member("one", 0, 4, 4, 32, "", 3, 8.5, "compute")),
            new JobView.View(2, 7, "two joins", 3, List.of(2L)),
            Optional.empty());
    Path file = directory.resolve("job.json");

    JsonFile.write(file, JobJson.of(job));

    JsonNode read = new ObjectMapper().readTree(file.toFile());
    assertEquals(0.25, read.at("/loss").doubleValue());
    assertTrue(read.at("/epochs/0/auc_mean").isNull(), read.toString());
    assertEquals(0.5, read.at("/epochs/0/loss").doubleValue());
    assertTrue(read.at("/samples_per_second").isNull(), read.toString());
    assertEquals(3, read.at("/members/0/share").intValue());
    assertEquals("two joins", read.at("/view_cause").textValue());
    assertEquals(2, read.at("/checkpoint_steps/0").intValue());
  }
}
