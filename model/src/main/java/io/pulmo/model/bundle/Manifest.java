package io.pulmo.model.bundle;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pulmo.model.Finding;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.network.DenseNetSpec;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a bundle is and holds: {@code manifest.json}.
 *
 * @param format of this file, {@value #FORMAT}
 * @param name of the model: lower-case letters, digits and dashes
 * @param version of the model, at least 1; a newer one has a greater number
 * @param createdAt when, as ISO 8601 in UTC
 * @param network whose weights these are
 * @param preprocessing by which images become its input
 * @param labels what its outputs mean, the fourteen findings in order
 * @param files all others of the bundle
 * @param provenance where the weights come from, such as job and data set; free text by key
 */
public record Manifest(
    int format,
    String name,
    long version,
    String createdAt,
    DenseNetSpec network,
    Preprocessing preprocessing,
    List<String> labels,
    List<FileEntry> files,
    Map<String, String> provenance) {
  /** The format that this code writes and the only one it reads. */
  public static final int FORMAT = 1;

  /** The labels of every bundle. */
  public static final List<String> LABELS = Finding.ALL.stream().map(Finding::label).toList();

  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");
  private static final int MOST_FILES = 64;
  private static final int MOST_PROVENANCE = 64;
  private static final int LONGEST_TEXT = 4096;

  /** Checks each value. */
  public Manifest {
    labels = List.copyOf(labels);
    files = List.copyOf(files);
    provenance = Map.copyOf(provenance);
    if (format != FORMAT) {
      throw new IllegalArgumentException(
          "format is "
              + format
              + ", expected "
              + FORMAT
              + "; serve the bundle with the release that wrote it, or export it again");
    }
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name is '" + name + "', expected lower-case letters, digits and dashes, at most 63");
    }
    if (version < 1) {
      throw new IllegalArgumentException("version is " + version + ", expected 1 or more");
    }
    try {
      Instant.parse(createdAt);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "createdAt is '" + createdAt + "', expected a time such as 2026-01-31T12:00:00Z", e);
    }
    if (!labels.equals(LABELS)) {
      throw new IllegalArgumentException("labels are " + labels + ", expected " + LABELS);
    }
    if (files.isEmpty() || files.size() > MOST_FILES) {
      throw new IllegalArgumentException(
          "files has " + files.size() + " entries, expected 1 to " + MOST_FILES);
    }
    Set<String> names = new HashSet<>(Set.of(Bundle.MANIFEST));
    for (FileEntry file : files) {
      if (!names.add(file.path())) {
        throw new IllegalArgumentException(
            "files lists '" + file.path() + "', expected each once and never " + Bundle.MANIFEST);
      }
    }
    if (provenance.size() > MOST_PROVENANCE) {
      throw new IllegalArgumentException(
          "provenance has " + provenance.size() + " entries, expected at most " + MOST_PROVENANCE);
    }
  }

  /**
   * Reads a manifest strictly.
   *
   * @param file its name, for messages
   * @throws BundleException with key, value and what was expected
   */
  public static Manifest parse(String file, byte[] json) throws BundleException {
    StrictObject top = StrictObject.parse(file, json);
    // First, since a newer format may have other keys.
    int format = (int) top.integer("format", 0, Integer.MAX_VALUE);
    if (format != FORMAT) {
      throw new BundleException(
          file
              + ": format is "
              + format
              + ", expected "
              + FORMAT
              + "; serve the bundle with the release that wrote it, or export it again");
    }
    try {
      Manifest manifest =
          new Manifest(
              format,
              top.text("name", LONGEST_TEXT),
              top.integer("version", 1, Long.MAX_VALUE),
              top.text("createdAt", LONGEST_TEXT),
              network(top.object("network")),
              preprocessing(top.object("preprocessing")),
              top.texts("labels"),
              files(top.objects("files")),
              provenance(top.object("provenance")));
      top.end();
      return manifest;
    } catch (IllegalArgumentException e) {
      throw top.refused(e);
    }
  }

  private static DenseNetSpec network(StrictObject json) throws BundleException {
    int most = Integer.MAX_VALUE;
    try {
      DenseNetSpec network =
          new DenseNetSpec(
              (int) json.integer("stemChannels", 1, most),
              (int) json.integer("growthRate", 1, most),
              (int) json.integer("bottleneckFactor", 1, most),
              json.integers("blocks", 1, most));
      json.end();
      return network;
    } catch (IllegalArgumentException e) {
      throw json.refused(e);
    }
  }

  private static Preprocessing preprocessing(StrictObject json) throws BundleException {
    int most = Integer.MAX_VALUE;
    try {
      Preprocessing preprocessing =
          new Preprocessing(
              (int) json.integer("resizePixels", 1, most),
              (int) json.integer("cropPixels", 1, most),
              json.numbers("mean"),
              json.numbers("deviation"));
      json.end();
      return preprocessing;
    } catch (IllegalArgumentException e) {
      throw json.refused(e);
    }
  }

  private static List<FileEntry> files(List<StrictObject> entries) throws BundleException {
    List<FileEntry> files = new ArrayList<>();
    for (StrictObject json : entries) {
      try {
        files.add(
            new FileEntry(
                json.text("path", LONGEST_TEXT),
                json.integer("bytes", 0, Long.MAX_VALUE),
                json.text("sha256", LONGEST_TEXT)));
      } catch (IllegalArgumentException e) {
        throw json.refused(e);
      }
      json.end();
    }
    return files;
  }

  private static Map<String, String> provenance(StrictObject json) throws BundleException {
    Map<String, String> provenance = new LinkedHashMap<>();
    for (String key : json.keys()) {
      provenance.put(key, json.text(key, LONGEST_TEXT));
    }
    return provenance;
  }

  /** The bytes of the file; the same manifest gives the same bytes. */
  public byte[] json() {
    ObjectNode top = StrictObject.JSON.createObjectNode();
    top.put("format", format).put("name", name).put("version", version).put("createdAt", createdAt);
    ObjectNode net = top.putObject("network");
    net.put("stemChannels", network.stemChannels())
        .put("growthRate", network.growthRate())
        .put("bottleneckFactor", network.bottleneckFactor());
    network.blocks().forEach(net.putArray("blocks")::add);
    ObjectNode image = top.putObject("preprocessing");
    image
        .put("resizePixels", preprocessing.resizePixels())
        .put("cropPixels", preprocessing.cropPixels());
    preprocessing.mean().forEach(image.putArray("mean")::add);
    preprocessing.deviation().forEach(image.putArray("deviation")::add);
    labels.forEach(top.putArray("labels")::add);
    ArrayNode list = top.putArray("files");
    for (FileEntry file : files) {
      list.addObject()
          .put("path", file.path())
          .put("bytes", file.bytes())
          .put("sha256", file.sha256());
    }
    ObjectNode origin = top.putObject("provenance");
    provenance.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> origin.put(entry.getKey(), entry.getValue()));
    return StrictObject.write(top);
  }
}
