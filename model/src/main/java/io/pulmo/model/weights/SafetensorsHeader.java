package io.pulmo.model.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * The JSON in front of a safetensors file: what lies where.
 *
 * @param entries by name, in the header's order
 * @param metadata the strings under {@code __metadata__}
 */
record SafetensorsHeader(SequencedMap<String, Entry> entries, Map<String, String> metadata) {
  private static final String METADATA = "__metadata__";
  private static final int MOST_ENTRIES = 16_384;
  private static final int MOST_DIMENSIONS = 16;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          // A stranger's names need not outlive the file.
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(4).build())
          .build();

  /**
   * Where one array lies.
   *
   * @param type as the format names it, such as {@code F32}
   * @param shape its dimensions
   * @param begin first byte, counted from the end of the header
   * @param end the byte after the last
   */
  record Entry(String type, List<Long> shape, long begin, long end) {}

  static SafetensorsHeader parse(byte[] json) throws Malformed {
    try (JsonParser parser = JSON.createParser(decode(json))) {
      SequencedMap<String, Entry> entries = new LinkedHashMap<>();
      Map<String, String> metadata = new LinkedHashMap<>();
      expect(parser, parser.nextToken(), JsonToken.START_OBJECT, "the header");
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        if (name.equals(METADATA)) {
          parseMetadata(parser, metadata);
        } else {
          entries.put(name, parseEntry(parser, name));
        }
        if (entries.size() + metadata.size() > MOST_ENTRIES) {
          throw new Malformed("the header has more than " + MOST_ENTRIES + " entries");
        }
      }
      if (parser.nextToken() != null) {
        throw new Malformed("something follows the header's object, expected spaces only");
      }
      return new SafetensorsHeader(entries, metadata);
    } catch (JsonParseException e) {
      throw new Malformed("the header is no JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new Malformed("the header cannot be read as JSON: " + e.getMessage());
    }
  }

  private static String decode(byte[] json) throws CharacterCodingException {
    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
  }

  private static void parseMetadata(JsonParser parser, Map<String, String> metadata)
      throws IOException, Malformed {
    expect(parser, parser.currentToken(), JsonToken.START_OBJECT, METADATA);
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      expect(parser, parser.nextToken(), JsonToken.VALUE_STRING, METADATA + "." + key);
      metadata.put(key, parser.getText());
      if (metadata.size() > MOST_ENTRIES) {
        throw new Malformed(METADATA + " has more than " + MOST_ENTRIES + " entries");
      }
    }
  }

  private static Entry parseEntry(JsonParser parser, String name) throws IOException, Malformed {
    expect(parser, parser.currentToken(), JsonToken.START_OBJECT, name);
    String type = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      parser.nextToken();
      switch (key) {
        case "dtype" -> {
          expect(parser, parser.currentToken(), JsonToken.VALUE_STRING, name + ".dtype");
          type = parser.getText();
        }
        case "shape" -> shape = parseNumbers(parser, name + ".shape");
        case "data_offsets" -> offsets = parseNumbers(parser, name + ".data_offsets");
        default ->
            throw new Malformed(
                name + " has a key '" + key + "', expected dtype, shape and data_offsets");
      }
    }
    if (type == null || shape == null || offsets == null || offsets.size() != 2) {
      throw new Malformed(name + " lacks one of dtype, shape and two data_offsets");
    }
    return new Entry(type, shape, offsets.getFirst(), offsets.getLast());
  }

  private static List<Long> parseNumbers(JsonParser parser, String what)
      throws IOException, Malformed {
    expect(parser, parser.currentToken(), JsonToken.START_ARRAY, what);
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(parser, parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
      if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          || parser.getLongValue() < 0) {
        throw new Malformed(
            what + " has " + parser.getText() + ", expected a number from 0 to 2^63 - 1");
      }
      numbers.add(parser.getLongValue());
      if (numbers.size() > MOST_DIMENSIONS) {
        throw new Malformed(what + " has more than " + MOST_DIMENSIONS + " numbers");
      }
    }
    return List.copyOf(numbers);
  }

  private static void expect(
      JsonParser parser, @Nullable JsonToken found, JsonToken expected, String what)
      throws IOException, Malformed {
    if (found != expected) {
      throw new Malformed(
          "%s is %s (%s), expected %s"
              .formatted(
                  what,
                  found == null ? "missing" : found,
                  found == null ? "end of header" : parser.getText(),
                  expected));
    }
  }

  /** Whether an array of this name could not be told from the metadata. */
  static boolean isReserved(String name) {
    return name.equals(METADATA);
  }

  /** The JSON, padded with spaces to a multiple of 8 bytes. */
  byte[] toJson() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(METADATA);
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      for (Map.Entry<String, Entry> named : entries.entrySet()) {
        Entry entry = named.getValue();
        json.writeObjectFieldStart(named.getKey());
        json.writeStringField("dtype", entry.type());
        json.writeFieldName("shape");
        writeNumbers(json, entry.shape());
        json.writeFieldName("data_offsets");
        writeNumbers(json, List.of(entry.begin(), entry.end()));
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    while (bytes.size() % 8 != 0) {
      bytes.write(' ');
    }
    return bytes.toByteArray();
  }

  private static void writeNumbers(JsonGenerator json, List<Long> numbers) throws IOException {
    json.writeStartArray();
    for (long number : numbers) {
      json.writeNumber(number);
    }
    json.writeEndArray();
  }
}
