package io.pulmo.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class ListenTest {
  private static String refusal(String bind, Optional<String> advertise, boolean insecure) {
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class, () -> new Listen(bind, 7070, advertise, insecure));
    return String.valueOf(refused.getMessage());
  }

  @Test
  void addressBeyondThisMachine_withoutInsecure_isRefusedWithTheReason() {
    String message = refusal("192.0.2.1", Optional.empty(), false);
    assertTrue(message.contains("192.0.2.1"), message);
    assertTrue(message.contains("no TLS yet"), message);
    assertTrue(message.contains("--insecure"), message);
  }

  @Test
  void everyAddress_withoutAdvertise_isRefused() {
    assertTrue(refusal("0.0.0.0", Optional.empty(), true).contains("--advertise"));
    assertTrue(refusal("0.0.0.0", Optional.of("a b"), true).contains("a b"));
    assertTrue(refusal("127.0.0.1", Optional.of("a:x"), true).contains("a:x"));
  }

  @Test
  void advertised_isTheBoundAddressUnlessToldOtherwise() {
    assertEquals(new HostPort("127.0.0.1", 9), Listen.loopback(0).advertised(9));
    assertEquals(
        new HostPort("::1", 9), new Listen("::1", 0, Optional.empty(), false).advertised(9));
    assertEquals(
        new HostPort("node", 9), new Listen("0.0.0.0", 0, Optional.of("node"), true).advertised(9));
    assertEquals(
        new HostPort("node", 5),
        new Listen("0.0.0.0", 0, Optional.of("node:5"), true).advertised(9));
    assertEquals(
        new HostPort("::2", 9), new Listen("0.0.0.0", 0, Optional.of("[::2]"), true).advertised(9));
  }
}
