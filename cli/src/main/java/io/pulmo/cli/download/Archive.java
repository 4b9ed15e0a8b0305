package io.pulmo.cli.download;

import io.pulmo.cli.terminal.CommandFailure;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A gzip-packed tar file of images on a server.
 *
 * @param name a file name that ends with {@code .tar.gz}
 * @param address http or https; the checksum, not the connection, vouches for what comes
 * @param sha256 of the whole file, in lower-case hexadecimals
 */
public record Archive(String name, URI address, String sha256) {
  private static final int MAX_LIST_BYTES = 1 << 20;
  private static final String FORMAT =
      "a name that ends with .tar.gz, an http address and a SHA-256 with tabs between";

  /** NIH's twelve archives of ChestX-ray14. */
  public static List<Archive> nih() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(Archive.class.getResourceAsStream("archives.tsv"))) {
      return parse("archives.tsv", in);
    }
  }

  /** Reads a list: name, address and SHA-256 a line, tabs between; # begins a remark. */
  public static List<Archive> read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return parse(file.toString(), in);
    }
  }

  private static List<Archive> parse(String file, InputStream in) throws IOException {
    byte[] bytes = in.readNBytes(MAX_LIST_BYTES + 1);
    if (bytes.length > MAX_LIST_BYTES) {
      throw CommandFailure.work(
          file + ": found more than " + MAX_LIST_BYTES + " bytes, expected a list of archives");
    }
    List<Archive> archives = new ArrayList<>();
    Set<String> names = new HashSet<>();
    int number = 0;
    for (String line : new String(bytes, StandardCharsets.UTF_8).lines().toList()) {
      number++;
      if (line.startsWith("#") || line.isBlank()) {
        continue;
      }
      String[] fields = line.split("\t", -1);
      if (fields.length != 3) {
        throw refused(file, number, fields.length + " fields", FORMAT);
      }
      if (!fields[0].matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\\.tar\\.gz")) {
        throw refused(file, number, "the name '" + fields[0] + "'", FORMAT);
      }
      if (!fields[2].matches("[0-9a-f]{64}")) {
        throw refused(
            file, number, "the SHA-256 '" + fields[2] + "'", "64 lower-case hexadecimals");
      }
      if (!names.add(fields[0])) {
        throw refused(file, number, fields[0] + " a second time", "each archive once");
      }
      archives.add(new Archive(fields[0], address(file, number, fields[1]), fields[2]));
    }
    if (archives.isEmpty()) {
      throw refused(file, number, "no archive", FORMAT);
    }
    return archives;
  }

  private static URI address(String file, int line, String text) {
    try {
      URI address = new URI(text);
      String scheme = address.getScheme();
      if (("http".equals(scheme) || "https".equals(scheme)) && address.getHost() != null) {
        return address;
      }
    } catch (URISyntaxException e) {
      // Refused below, as any other text that is no address.
    }
    throw refused(file, line, "the address '" + text + "'", FORMAT);
  }

  private static CommandFailure refused(String file, int line, String found, String expected) {
    return CommandFailure.work(
        file + ", line " + line + ": found " + found + ", expected " + expected);
  }
}
