package io.pulmo.model.job;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** One mapping of a YAML document, read key by key with errors that name key, value and choices. */
final class YamlKeys {
  /** The longest document, in characters and in bytes. */
  static final int LONGEST_BYTES = 64 << 10;

  private static final int DEEPEST = 8;
  private static final int LONGEST_SHOWN = 60;

  private final String path;
  private final Map<String, Object> values;

  private YamlKeys(String path, Map<String, Object> values) {
    this.path = path;
    this.values = values;
  }

  /** The mapping that is the whole document; it may hold no other keys than those known. */
  static YamlKeys document(String yaml, List<String> known) {
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel("JOB.yaml")
            .setAllowDuplicateKeys(false)
            .setMaxAliasesForCollections(0)
            .setCodePointLimit(LONGEST_BYTES)
            .build();
    @Nullable Object document;
    try {
      refuseWhatGrows(new Parse(settings).parseString(yaml));
      document = new Load(settings).loadFromString(yaml);
    } catch (MarkedYamlEngineException e) {
      String where =
          e.getProblemMark()
              .map(mark -> "line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1))
              .orElse("somewhere");
      throw new JobSpecException("no valid YAML at " + where + ": " + shown(e.getProblem()), e);
    } catch (YamlEngineException e) {
      throw new JobSpecException("no valid YAML: " + shown(e.getMessage()), e);
    }
    return mapping("", document, known);
  }

  /** Loading recurses and follows aliases: neither is let near a document that abuses it. */
  private static void refuseWhatGrows(Iterable<Event> events) {
    int depth = 0;
    for (Event event : events) {
      if (event.getEventId() == Event.ID.Alias
          || (event instanceof NodeEvent node && node.getAnchor().isPresent())) {
        throw new JobSpecException("anchors and aliases (& and *) are not taken: write it out");
      }
      if (event instanceof CollectionStartEvent && ++depth > DEEPEST) {
        throw new JobSpecException("nested more than " + DEEPEST + " deep: expected a flat file");
      } else if (event instanceof CollectionEndEvent) {
        depth--;
      }
    }
  }

  private static YamlKeys mapping(String path, @Nullable Object value, List<String> known) {
    String name = path.isEmpty() ? "the document" : path;
    if (!(value instanceof Map<?, ?> map)) {
      throw new JobSpecException(
          name + " is " + shown(value) + ": expected keys and values, of " + listed(known));
    }
    Map<String, Object> values = new HashMap<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      String key = String.valueOf(entry.getKey());
      if (!known.contains(key)) {
        throw new JobSpecException(
            "unknown key "
                + shown(path.isEmpty() ? key : path + "." + key)
                + nearest(key, known).map(near -> ": did you mean '" + near + "'?").orElse(":")
                + " The keys "
                + (path.isEmpty() ? "" : "of " + path + " ")
                + "are "
                + listed(known));
      }
      // An empty value is as good as none: the default stands.
      if (entry.getValue() != null) {
        values.put(key, entry.getValue());
      }
    }
    return new YamlKeys(path, values);
  }

  /** A mapping under a key, empty if the key is absent. */
  YamlKeys keys(String key, List<String> known) {
    Object value = values.get(key);
    return mapping(path(key), value == null ? Map.of() : value, known);
  }

  /** Text; numbers are not taken for text. */
  Optional<String> text(String key, String expected) {
    Object value = values.get(key);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof String text)) {
      throw wrong(key, value, expected);
    }
    return Optional.of(text);
  }

  /** One of the choices, by name. */
  <T> T choice(String key, Map<String, T> choices, T otherwise) {
    String expected = "one of " + listed(List.copyOf(choices.keySet()));
    Optional<String> text = text(key, expected);
    if (text.isEmpty()) {
      return otherwise;
    }
    T chosen = choices.get(text.get());
    if (chosen == null) {
      throw wrong(key, text.get(), expected);
    }
    return chosen;
  }

  /** An integer within bounds. */
  int integer(String key, int least, int most, int otherwise) {
    return Math.toIntExact(integer(key, (long) least, most, otherwise));
  }

  /** An integer within bounds. */
  long integer(String key, long least, long most, long otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    long number =
        switch (value) {
          case Integer i -> i;
          case Long l -> l;
          case BigInteger big when big.bitLength() < Long.SIZE -> big.longValueExact();
          default -> throw wrong(key, value, "an integer from " + least + " to " + most);
        };
    if (number < least || number > most) {
      throw wrong(key, value, "an integer from " + least + " to " + most);
    }
    return number;
  }

  /** A number above one bound, up to another. */
  double number(String key, double above, double most, double otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    double number = value instanceof Number n ? n.doubleValue() : Double.NaN;
    if (!(number > above && number <= most)) {
      throw wrong(key, value, "a number above " + above + ", at most " + most);
    }
    return number;
  }

  /** What to throw for a value that will not do. */
  JobSpecException wrong(String key, Object value, String expected) {
    return new JobSpecException(path(key) + " is " + shown(value) + ": expected " + expected);
  }

  /** What to throw for a key that must be there. */
  JobSpecException missing(String key, String expected) {
    return new JobSpecException(path(key) + " is missing: expected " + expected);
  }

  private String path(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private static String listed(List<String> words) {
    StringJoiner joined = new StringJoiner(", ");
    words.forEach(joined::add);
    return joined.toString();
  }

  /** A value as an error shows it: on one line, bounded, without control characters. */
  static String shown(@Nullable Object value) {
    if (value == null) {
      return "empty";
    }
    String text = String.valueOf(value);
    StringBuilder shown = new StringBuilder("'");
    text.codePoints()
        .limit(LONGEST_SHOWN)
        .map(c -> Character.isISOControl(c) ? ' ' : c)
        .forEach(shown::appendCodePoint);
    return shown.append(text.length() > LONGEST_SHOWN ? "...'" : "'").toString();
  }

  private static Optional<String> nearest(String key, List<String> known) {
    if (key.length() > LONGEST_SHOWN) {
      return Optional.empty();
    }
    String best = "";
    int least = Integer.MAX_VALUE;
    for (String one : known) {
      String typed = key.toLowerCase(Locale.ROOT);
      String meant = one.toLowerCase(Locale.ROOT);
      // 'batchsize' is nearer to 'batch' than counting letters says.
      int distance = typed.startsWith(meant) ? 1 : distance(typed, meant);
      if (distance < least) {
        least = distance;
        best = one;
      }
    }
    return least <= Math.max(2, best.length() / 2) ? Optional.of(best) : Optional.empty();
  }

  /** Levenshtein's: how many letters to add, drop or change. */
  private static int distance(String a, String b) {
    List<Integer> row = new ArrayList<>();
    for (int j = 0; j <= b.length(); j++) {
      row.add(j);
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row.get(0);
      row.set(0, i);
      for (int j = 1; j <= b.length(); j++) {
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row.get(j);
        row.set(j, Math.min(change, 1 + Math.min(row.get(j), row.get(j - 1))));
      }
    }
    return row.get(b.length());
  }
}
