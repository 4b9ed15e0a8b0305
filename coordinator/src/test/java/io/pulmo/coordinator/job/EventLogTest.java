package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.pulmo.coordinator.FakeClock;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventLogTest {
  @Test
  void events_areOneJsonObjectALine_whateverTheCauseSays() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    EventLog log =
        EventLog.to(new PrintStream(bytes, false, StandardCharsets.UTF_8), new FakeClock())
            .ofEpoch(7);
    log.write(EventLog.Kind.EVICT, "m1", "it said \"no\"\nand left");
    log.write(EventLog.Kind.COMMIT, "job-1", 3, 12, "", "");
    assertEquals(
        List.of(
            "{\"t_millis\":1800000000000,\"kind\":\"evict\",\"epoch\":7,\"member\":\"m1\","
                + "\"cause\":\"it said \\\"no\\\"\\nand left\"}",
            "{\"t_millis\":1800000000000,\"kind\":\"commit\",\"epoch\":7,\"job\":\"job-1\","
                + "\"view\":3,\"step\":12,\"cause\":\"\"}"),
        bytes.toString(StandardCharsets.UTF_8).lines().toList());
  }
}
