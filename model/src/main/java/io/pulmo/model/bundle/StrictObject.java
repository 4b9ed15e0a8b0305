package io.pulmo.model.bundle;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A JSON object of which every key must be asked for: whatever is missing, surplus or of another
 * kind is refused with file, key, value and what was expected.
 */
final class StrictObject {
  private static final int DEEPEST = 8;
  private static final int LONGEST_SHOWN = 80;

  /** Reads decimals exactly and no key twice; writes indented. */
  static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  private final String file;
  private final String path;
  private final JsonNode node;
  private final Set<String> unread = new LinkedHashSet<>();

  private StrictObject(String file, String path, JsonNode node) throws BundleException {
    this.file = file;
    this.path = path;
    this.node = node;
    if (!node.isObject()) {
      throw wrong(path.isEmpty() ? "its top" : path, node, "an object");
    }
    node.fieldNames().forEachRemaining(unread::add);
  }

  /** The object that is the whole of a file. */
  static StrictObject parse(String file, byte[] json) throws BundleException {
    JsonNode node;
    try {
      node = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new BundleException(
          file + " is not JSON: " + e.getOriginalMessage() + "; export the bundle again", e);
    } catch (IOException e) {
      throw new BundleException(file + " is not JSON; export the bundle again", e);
    }
    return new StrictObject(file, "", node);
  }

  static byte[] write(JsonNode node) {
    try {
      return (JSON.writeValueAsString(node) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new AssertionError("a tree always writes", e);
    }
  }

  String text(String key, int longest) throws BundleException {
    JsonNode value = get(key);
    if (!value.isTextual() || value.textValue().length() > longest) {
      throw wrong(key, value, "a text of at most " + longest + " characters");
    }
    return value.textValue();
  }

  long integer(String key, long least, long most) throws BundleException {
    return integer(key, get(key), least, most);
  }

  List<Integer> integers(String key, int least, int most) throws BundleException {
    List<Integer> all = new ArrayList<>();
    for (JsonNode value : array(key)) {
      all.add((int) integer(key, value, least, most));
    }
    return all;
  }

  float number(String key) throws BundleException {
    return number(key, get(key));
  }

  List<Float> numbers(String key) throws BundleException {
    List<Float> all = new ArrayList<>();
    for (JsonNode value : array(key)) {
      all.add(number(key, value));
    }
    return all;
  }

  List<String> texts(String key) throws BundleException {
    List<String> all = new ArrayList<>();
    for (JsonNode value : array(key)) {
      if (!value.isTextual()) {
        throw wrong(key, value, "texts only");
      }
      all.add(value.textValue());
    }
    return all;
  }

  StrictObject object(String key) throws BundleException {
    return new StrictObject(file, pathOf(key), get(key));
  }

  List<StrictObject> objects(String key) throws BundleException {
    List<StrictObject> all = new ArrayList<>();
    for (JsonNode value : array(key)) {
      all.add(new StrictObject(file, pathOf(key), value));
    }
    return all;
  }

  /** The keys not asked for yet. */
  List<String> keys() {
    return List.copyOf(unread);
  }

  /** Refuses what was not asked for. */
  void end() throws BundleException {
    if (!unread.isEmpty()) {
      String key = unread.iterator().next();
      throw new BundleException(
          file + ": unknown key '" + pathOf(key) + "'; expected no more than this format has");
    }
  }

  /** What a record's own check said, with the file before it. */
  BundleException refused(IllegalArgumentException e) {
    return new BundleException(
        file + ": " + (path.isEmpty() ? "" : path + ": ") + e.getMessage(), e);
  }

  private JsonNode get(String key) throws BundleException {
    JsonNode value = node.get(key);
    if (value == null) {
      throw new BundleException(
          file + ": key '" + pathOf(key) + "' is missing; export the bundle again");
    }
    unread.remove(key);
    return value;
  }

  private JsonNode array(String key) throws BundleException {
    JsonNode value = get(key);
    if (!value.isArray()) {
      throw wrong(key, value, "a list");
    }
    return value;
  }

  private long integer(String key, JsonNode value, long least, long most) throws BundleException {
    if (!value.isIntegralNumber()
        || !value.canConvertToLong()
        || value.longValue() < least
        || value.longValue() > most) {
      throw wrong(key, value, "a whole number from " + least + " to " + most);
    }
    return value.longValue();
  }

  private float number(String key, JsonNode value) throws BundleException {
    if (!value.isNumber() || !Float.isFinite(value.floatValue())) {
      throw wrong(key, value, "a number");
    }
    return value.floatValue();
  }

  private BundleException wrong(String key, JsonNode value, String expected) {
    String shown = value.toString();
    if (shown.length() > LONGEST_SHOWN) {
      shown = shown.substring(0, LONGEST_SHOWN) + "...";
    }
    return new BundleException(
        file + ": " + pathOf(key) + " is " + shown + ", expected " + expected);
  }

  private String pathOf(String key) {
    return path.isEmpty() || path.equals(key) ? key : path + "." + key;
  }
}
