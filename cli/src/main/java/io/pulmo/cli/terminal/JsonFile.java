package io.pulmo.cli.terminal;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.pulmo.model.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Results as a JSON file, for programs. */
public final class JsonFile {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private JsonFile() {}

  /** Writes maps, lists, strings and numbers; the file appears whole or not at all. */
  public static void write(Path file, Object value) throws IOException {
    Path absolute = file.toAbsolutePath();
    Path temporary = absolute.resolveSibling(absolute.getFileName() + ".tmp");
    Files.write(temporary, MAPPER.writeValueAsBytes(value));
    Files.move(
        temporary, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The value; null if it is undefined, for which JSON has no number. */
  public static @Nullable Double number(double value) {
    return Double.isFinite(value) ? value : null;
  }

  /** One value a disease, in Table 1's order; what is undefined becomes null. */
  public static Map<String, @Nullable Double> byFinding(double[] values) {
    Map<String, @Nullable Double> map = new LinkedHashMap<>();
    for (Finding finding : Finding.ALL) {
      map.put(finding.label(), number(values[finding.ordinal()]));
    }
    return map;
  }
}
