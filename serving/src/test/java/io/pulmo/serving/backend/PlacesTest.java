package io.pulmo.serving.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PlacesTest {
  private static Places<String> of(String... names) {
    Places<String> places = new Places<>(names.length);
    List.of(names).forEach(places::add);
    return places;
  }

  /**
   * A study that has handed in its first request takes the next place that another study leaves. If
   * it waited for its own first instead, which stands behind the others', one of two streams would
   * have nothing to do meanwhile.
   */
  @Test
  void take_holdingSome_waitsForAnotherStudys() throws Exception {
    Places<String> places = of("a", "b");
    String mine = places.take(0).orElseThrow();
    String anothers = places.take(0).orElseThrow();
    CompletableFuture<Optional<String>> next = new CompletableFuture<>();
    Thread study = Thread.ofPlatform().start(() -> next.complete(places.take(1)));
    while (!places.isAwaited()) {
      if (next.isDone()) {
        throw new AssertionError("it did not wait, and got " + next.get());
      }
      Thread.onSpinWait();
    }
    places.giveBack(anothers);
    assertEquals(Optional.of(anothers), next.get());
    study.join();
    assertEquals("a", mine);
  }

  @Test
  void take_holdingAll_isEmpty() {
    Places<String> places = of("a", "b");
    assertEquals(Optional.of("a"), places.take(0));
    assertEquals(Optional.of("b"), places.take(1));
    assertEquals(Optional.empty(), places.take(2));
  }

  @Test
  void takeOut_whileOneIsHeld_waitsForItAndRefusesTheRest() throws Exception {
    Places<String> places = of("a", "b");
    String held = places.take(0).orElseThrow();
    List<String> out = new ArrayList<>();
    Thread closing = Thread.ofPlatform().start(() -> places.takeOut(out::add));
    while (!places.isAwaited()) {
      Thread.onSpinWait();
    }
    assertEquals(List.of(), out);
    places.giveBack(held);
    closing.join();
    assertEquals(List.of("b", "a"), out);
    assertThrows(IllegalStateException.class, () -> places.take(0));
  }
}
