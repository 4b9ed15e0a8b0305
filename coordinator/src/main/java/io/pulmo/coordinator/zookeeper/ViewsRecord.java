package io.pulmo.coordinator.zookeeper;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.coordinator.job.PastView;
import io.pulmo.model.view.Label;
import io.pulmo.model.view.Seat;
import io.pulmo.model.view.View;
import io.pulmo.model.view.ViewJournal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A job's views as JSON: the current one in full, those before it in short, each member of theirs
 * named once.
 *
 * @param view the current one, if there ever was one
 * @param reserved the highest id handed out
 * @param checkpoints published, the oldest first
 * @param gaps the restores, the oldest first
 * @param members id and name of everyone in {@code past}
 * @param past the views, the oldest first
 */
record ViewsRecord(
    @Nullable View view,
    long reserved,
    List<ViewJournal.Published> checkpoints,
    List<ViewJournal.Restore> gaps,
    List<Named> members,
    List<Brief> past) {
  /** The newest views that are kept. */
  static final int MOST_VIEWS = 500;

  /** ZooKeeper takes 1 MiB in one message; the rest is for what goes along. */
  static final int MOST_BYTES = 768 << 10;

  private static final int LONGEST_CAUSE = 300;
  private static final JsonMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  record Named(String id, String name) {}

  /**
   * A view in short.
   *
   * @param id its id
   * @param epoch its leader's
   * @param fromView of the label that it continues
   * @param fromStep of that label
   * @param seats by rank: the member's index, then its share
   * @param cause why it came about
   */
  record Brief(long id, long epoch, long fromView, long fromStep, int[] seats, String cause) {}

  static ViewsRecord of(ViewJournal.Kept kept, List<PastView> past) {
    Map<Named, Integer> indices = new LinkedHashMap<>();
    List<Brief> shorts = new ArrayList<>();
    for (PastView one : past) {
      int[] seats = new int[2 * one.members().size()];
      for (int rank = 0; rank < one.members().size(); rank++) {
        PastView.Part part = one.members().get(rank);
        Named named = new Named(part.memberId(), part.name());
        Integer index = indices.putIfAbsent(named, indices.size());
        seats[2 * rank] = index == null ? indices.size() - 1 : index;
        seats[2 * rank + 1] = part.share();
      }
      shorts.add(
          new Brief(
              one.id(),
              one.leaderEpoch(),
              one.continues().view(),
              one.continues().step(),
              seats,
              one.cause()));
    }
    return new ViewsRecord(
        kept.view().orElse(null),
        kept.reserved(),
        kept.checkpoints(),
        kept.gaps(),
        List.copyOf(indices.keySet()),
        shorts);
  }

  /**
   * As bytes; the oldest views are left out until it fits.
   *
   * @param past changed to what the bytes have
   */
  static byte[] write(ViewJournal.Kept kept, List<PastView> past) {
    while (past.size() > MOST_VIEWS) {
      past.removeFirst();
    }
    while (true) {
      byte[] data;
      try {
        data = JSON.writeValueAsBytes(of(kept, past));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("every record of views can be written as JSON", e);
      }
      if (data.length <= MOST_BYTES || past.isEmpty()) {
        return data;
      }
      past.subList(0, (past.size() + 1) / 2).clear();
    }
  }

  /**
   * From bytes.
   *
   * @throws IOException if they are no such record
   */
  static ViewsRecord read(byte[] data) throws IOException {
    ViewsRecord record = JSON.readValue(data, ViewsRecord.class);
    if (record == null) {
      throw new IOException("it is empty");
    }
    for (Brief one : record.past) {
      for (int i = 0; i < one.seats.length; i += 2) {
        if (one.seats[i] < 0 || one.seats[i] >= record.members.size()) {
          throw new IOException(
              "view " + one.id + " names member " + one.seats[i] + " of " + record.members.size());
        }
      }
    }
    return record;
  }

  ViewJournal.Kept kept() {
    return new ViewJournal.Kept(Optional.ofNullable(view), reserved, checkpoints, gaps);
  }

  List<PastView> pastViews() {
    List<PastView> views = new ArrayList<>();
    for (Brief one : past) {
      List<PastView.Part> parts = new ArrayList<>();
      for (int i = 0; i + 1 < one.seats.length; i += 2) {
        Named named = members.get(one.seats[i]);
        parts.add(new PastView.Part(named.id(), named.name(), one.seats[i + 1]));
      }
      views.add(
          new PastView(one.id, one.epoch, new Label(one.fromView, one.fromStep), parts, one.cause));
    }
    return views;
  }

  /** A view as it goes among the past ones. */
  static PastView past(View view, String cause) {
    List<PastView.Part> parts =
        view.seats().stream()
            .map((Seat seat) -> new PastView.Part(seat.memberId(), seat.name(), seat.share()))
            .toList();
    return new PastView(
        view.id(),
        view.leaderEpoch(),
        view.continues(),
        parts,
        cause.substring(0, Math.min(LONGEST_CAUSE, cause.length())));
  }
}
