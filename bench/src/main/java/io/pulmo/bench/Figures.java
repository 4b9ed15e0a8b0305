package io.pulmo.bench;

import io.pulmo.bench.Event.Stage;
import io.pulmo.bench.Event.Who;
import io.pulmo.cli.terminal.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;

/**
 * The figures of a bench of preprocessing.
 *
 * @param begin under what it ran
 * @param all of all images
 * @param kinds of the images of each kind
 */
record Figures(Event.Begin begin, Group all, SequencedMap<String, Group> kinds) {
  /**
   * Of some images.
   *
   * @param images how many
   * @param millis milliseconds an image
   * @param difference the largest of two tensors' numbers, where there is a peer
   */
  record Group(int images, Map<Who, Map<Stage, Double>> millis, OptionalDouble difference) {
    double millis(Who who, Stage stage) {
      Map<Stage, Double> stages = millis.get(who);
      Double value = stages == null ? null : stages.get(stage);
      if (value == null) {
        throw new IllegalArgumentException("no time of " + who + " for " + stage);
      }
      return value;
    }

    /** Pulmo's time as a part of the peer's. */
    double ratio() {
      return millis(Who.PULMO, Stage.TOTAL) / millis(Who.PEER, Stage.TOTAL);
    }
  }

  /** For people. */
  String text() {
    StringBuilder text =
        new StringBuilder("from bytes to a tensor of ten crops, one thread, ")
            .append(begin.cpu() == null ? "not pinned to a CPU" : "on CPU " + begin.cpu())
            .append(", median of ")
            .append(begin.rounds())
            .append(" rounds\npulmo: Java ")
            .append(begin.java())
            .append('\n');
    if (begin.peer() != null) {
      text.append("peer: ").append(begin.peer()).append('\n');
    }
    Table table =
        new Table("ms per image", "images", "whole", "decode", "resize", "crops", "of the peer's");
    kinds.forEach((kind, group) -> rows(table, kind, group));
    if (kinds.size() > 1) {
      rows(table, "all", all);
    }
    text.append(table);
    all.difference()
        .ifPresent(
            most ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "largest difference between the tensors' numbers: %.2g%n",
                        most)));
    return text.toString();
  }

  private static void rows(Table table, String kind, Group group) {
    for (Who who : group.millis().keySet()) {
      List<String> cells = new ArrayList<>();
      cells.add(kind + ", " + who.name().toLowerCase(Locale.ROOT));
      cells.add(Integer.toString(group.images()));
      for (Stage stage : Stage.values()) {
        cells.add(String.format(Locale.ROOT, "%.2f", group.millis(who, stage)));
      }
      cells.add(
          who == Who.PULMO && group.millis().containsKey(Who.PEER)
              ? String.format(Locale.ROOT, "%.3f", group.ratio())
              : "");
      table.row(cells.toArray(String[]::new));
    }
  }

  /** For programs. */
  Map<String, Object> json() {
    Map<String, Object> json = json(all);
    json.put("rounds", begin.rounds());
    if (begin.cpu() != null) {
      json.put("cpu", begin.cpu());
    }
    json.put("java", begin.java());
    Map<String, Object> byKind = new LinkedHashMap<>();
    kinds.forEach((kind, group) -> byKind.put(kind, json(group)));
    json.put("kinds", byKind);
    return json;
  }

  private Map<String, Object> json(Group group) {
    Map<String, Object> json = json(group, Who.PULMO);
    if (begin.peer() != null) {
      // The peer's figures have the names of Pulmo's own, as in every bench.
      Map<String, Object> peer = json(group, Who.PEER);
      peer.put("tools", begin.peer());
      json.put("peer", peer);
      json.put("ratio", group.ratio());
      json.put("max_difference", group.difference().orElseThrow());
    }
    return json;
  }

  private static Map<String, Object> json(Group group, Who who) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("images", group.images());
    json.put("pulmo_ms_per_image", group.millis(who, Stage.TOTAL));
    Map<String, Object> stages = new LinkedHashMap<>();
    for (Stage stage : List.of(Stage.DECODE, Stage.RESIZE, Stage.CROPS)) {
      stages.put(stage.name().toLowerCase(Locale.ROOT), group.millis(who, stage));
    }
    json.put("ms_by_stage", stages);
    return json;
  }
}
