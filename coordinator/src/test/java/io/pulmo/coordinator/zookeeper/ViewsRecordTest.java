package io.pulmo.coordinator.zookeeper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.coordinator.job.PastView;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.ViewJournal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ViewsRecordTest {
  private static PastView past(long id, int members, String cause) {
    List<PastView.Part> parts = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      // Each view has members of its own: what a record holds most of.
      parts.add(new PastView.Part("member-" + id + "-" + i + "-".repeat(24), "host:1 pid 9", 7));
    }
    return new PastView(id, 3, new Label(id - 1, 10 * id), parts, cause);
  }

  @Test
  void past_isGivenBackAsItWas_upToTheBound() throws IOException {
    List<PastView> past = new ArrayList<>();
    for (int id = 1; id <= ViewsRecord.MOST_VIEWS + 20; id++) {
      past.add(past(id, 3, "because"));
    }
    byte[] data = ViewsRecord.write(ViewJournal.Kept.empty(), past);
    List<PastView> back = ViewsRecord.read(data).pastViews();
    assertEquals(ViewsRecord.MOST_VIEWS, back.size());
    assertEquals(past, back);
    assertEquals(past(21, 3, "because"), back.getFirst());
  }

  @Test
  void record_ofManyMembers_leavesOutTheOldestViewsUntilItFits() throws IOException {
    List<PastView> past = new ArrayList<>();
    for (int id = 1; id <= 100; id++) {
      past.add(past(id, 256, "c".repeat(200)));
    }
    byte[] data = ViewsRecord.write(ViewJournal.Kept.empty(), past);
    assertTrue(data.length <= ViewsRecord.MOST_BYTES, data.length + " bytes");
    List<PastView> back = ViewsRecord.read(data).pastViews();
    assertTrue(back.size() >= 20, back.size() + " views");
    assertEquals(100, back.getLast().id());
  }

  @Test
  void text_thatIsNoRecord_isRefused() {
    for (String text : List.of("", "null", "{", "[]", "{\"past\":[{\"id\":1,\"seats\":[3,1]}]}")) {
      assertThrows(
          Exception.class,
          () -> ViewsRecord.read(text.getBytes(StandardCharsets.UTF_8)).kept(),
          text);
    }
  }
}
