package io.pulmo.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostPortTest {
  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1:7070", "node-7.example.org:1", "[::1]:65535", "localhost:0"})
  void address_isReadAndWrittenAlike(String text) {
    assertEquals(text, HostPort.parse(text).toString());
  }

  @Test
  void ipv6_losesItsBrackets() {
    assertEquals(new HostPort("::1", 80), HostPort.parse("[::1]:80"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "7070",
        ":7070",
        "host",
        "host:",
        "host:x",
        "host:-1",
        "host:65536",
        "host:999999",
        "::1:80",
        "a b:80",
        "host/x:80",
        "http://host:80",
        "a@b:80",
        "host:8 0",
        "[]:80",
        "ho\0st:1"
      })
  void text_thatIsNoAddress_isNamed(String text) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> HostPort.parse(text));
    assertTrue(String.valueOf(refused.getMessage()).contains("expected"), refused.getMessage());
  }

  @Test
  void list_isReadInOrderWithoutRepetitions() {
    assertEquals(
        List.of(new HostPort("a", 1), new HostPort("b", 2)), HostPort.parseList("a:1, b:2,a:1"));
    assertThrows(IllegalArgumentException.class, () -> HostPort.parseList("a:1,,b:2"));
    assertThrows(IllegalArgumentException.class, () -> HostPort.parseList(""));
  }
}
