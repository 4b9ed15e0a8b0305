package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.pulmo.coordinator.job.DataSet.Refusal;
import io.pulmo.model.data.ImageManifest;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DataSetTest {
  private final DataSet data = new DataSet(List.of("a.png", "b.png", "c.png", "d.png"));

  @Test
  void tell_disjointParts_refusesNobodyAndLacksNothing() {
    assertEquals(List.of(), data.tell("m1", "one:1", held(7, 8, -1, -1), false));
    assertEquals(
        Optional.of(
            "nobody holds 2 of the 4 images that the lists name: c.png, d.png; put them under the --data of a worker"),
        data.lack(Set.of("m1")));
    assertEquals(List.of(), data.tell("m2", "two:2", held(-1, -1, 9, 10), false));
    assertEquals(Optional.empty(), data.lack(Set.of("m1", "m2")));
    data.forget("m1");
    assertEquals(Optional.empty(), data.lack(Set.of("m1", "m2")));
    assertEquals(
        "nobody holds 2 of the 4 images that the lists name: a.png, b.png; put them under the --data of a worker",
        data.lack(Set.of("m2")).orElseThrow());
  }

  @Test
  void tell_otherBytesUnderOneName_refusesTheLaterWithBothSides() {
    assertEquals(List.of(), data.tell("m1", "one:1", held(7, 8, 9, -1), false));
    assertEquals(
        List.of(
            new Refusal(
                "m2",
                "worker two:2 holds other data than worker one:1 under the same name: b.png has 1,001 bytes, SHA-256 e9e9e9e9e9e9e9e9... on two:2, 8 bytes, SHA-256 0808080808080808... on one:1 (and 1 more images differ); give both the same files")),
        data.tell("m2", "two:2", held(7, 1001, 1, 10), false));
    assertEquals(
        "nobody holds 1 of the 4 images that the lists name: d.png; put them under the --data of a worker",
        data.lack(Set.of("m1")).orElseThrow());
  }

  @Test
  void tell_memberOfTheViewComesAfterAStranger_refusesTheStranger() {
    assertEquals(List.of(), data.tell("m1", "one:1", held(7, 8, 9, 10), false));
    assertEquals(
        List.of("m1"),
        data.tell("m2", "two:2", held(6, 8, 9, 10), true).stream().map(Refusal::memberId).toList());
    assertEquals(
        List.of("m1"),
        data.tell("m1", "one:1", held(7, 8, 9, 10), false).stream()
            .map(Refusal::memberId)
            .toList());
    assertEquals(List.of(), data.tell("m3", "three:3", held(6, -1, 9, -1), false));
  }

  @Test
  void tell_memberTellsAgain_isComparedWithOthersAlone() {
    assertEquals(List.of(), data.tell("m1", "one:1", held(7, 8, 9, 10), true));
    assertEquals(List.of(), data.tell("m1", "one:1", held(6, 8, 9, 10), true));
  }

  @Test
  void tell_manifestOfAnotherLength_refusesSayingBoth() {
    assertEquals(
        List.of(
            new Refusal(
                "m1",
                "worker one:1 tells in another way what images it holds (a manifest of 0 bytes, expected 48 for 4 images): give all nodes one version of Pulmo")),
        data.tell("m1", "one:1", new byte[0], false));
  }

  /** Images of these sizes, their digests one byte 32 times; -1 for none. */
  private static byte[] held(int... sizes) {
    ImageManifest.Draft draft = new ImageManifest.Draft(sizes.length);
    for (int i = 0; i < sizes.length; i++) {
      if (sizes[i] >= 0) {
        byte[] sha256 = new byte[32];
        Arrays.fill(sha256, (byte) sizes[i]);
        draft.put(i, sizes[i], sha256);
      }
    }
    return draft.finish().shortened().encoded();
  }
}
