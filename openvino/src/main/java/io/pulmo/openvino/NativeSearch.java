package io.pulmo.openvino;

import io.pulmo.openvino.OpenVinoNatives.Location;
import io.pulmo.openvino.OpenVinoNatives.Source;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The search for OpenVINO's C library through the places of {@link OpenVinoNatives}, in order.
 *
 * <p>The folders are flat and each library finds its neighbours by itself, so the C library's
 * absolute path is all that is needed.
 */
final class NativeSearch {
  /** Where the libraries lie under a folder that a user may name: wheel, archive, or themselves. */
  private static final List<String> INSIDE =
      List.of(
          "",
          "libs",
          "openvino/libs",
          "runtime/lib/intel64",
          "runtime/lib/aarch64",
          "runtime/lib/arm64/Release",
          "runtime/bin/intel64/Release",
          "lib");

  private final UnaryOperator<@Nullable String> environment;
  private final UnaryOperator<@Nullable String> properties;
  private final Path root;
  private final List<String> lookedAt = new ArrayList<>();

  /**
   * A search.
   *
   * @param environment environment variables by name
   * @param properties system properties by name
   * @param root of the file system's fixed folders
   */
  NativeSearch(
      UnaryOperator<@Nullable String> environment,
      UnaryOperator<@Nullable String> properties,
      Path root) {
    this.environment = environment;
    this.properties = properties;
    this.root = root;
  }

  static NativeSearch ofThisMachine() {
    return new NativeSearch(System::getenv, System::getProperty, Path.of("/"));
  }

  Location locate() {
    lookedAt.clear();
    return setting()
        .or(this::classPath)
        .or(this::intelFolder)
        .or(() -> under("Pulmo's download", downloadFolder(), Source.DOWNLOAD))
        .or(this::python)
        .or(this::system)
        .orElseThrow(() -> new OpenVinoNotFoundException(lookedAt, mend()));
  }

  Path downloadFolder() {
    return cacheFolder().resolve(OpenVinoNatives.RELEASE);
  }

  private Path cacheFolder() {
    String own = environment.apply("PULMO_CACHE");
    if (present(own)) {
      return Path.of(own, "openvino");
    }
    String shared = environment.apply("XDG_CACHE_HOME");
    Path cache = present(shared) ? Path.of(shared) : home().resolve(".cache");
    return cache.resolve("pulmo").resolve("openvino");
  }

  private Path home() {
    String home = environment.apply("HOME");
    return Path.of(present(home) ? home : orEmpty(properties.apply("user.home")));
  }

  private String mend() {
    return "any of ./pulmo demo, serve, infer, evaluate and verify fetches it; by hand: python3 -m pip"
        + " install --no-deps --target "
        + downloadFolder()
        + " openvino=="
        + OpenVinoNatives.RELEASE
        + ", or set PULMO_OPENVINO to the folder that holds "
        + libraryPattern();
  }

  private Optional<Location> setting() {
    String property = properties.apply("pulmo.openvino");
    boolean byProperty = present(property);
    String value = byProperty ? property : environment.apply("PULMO_OPENVINO");
    if (!present(value)) {
      lookedAt.add("PULMO_OPENVINO and -Dpulmo.openvino (not set)");
      return Optional.empty();
    }
    Path named = Path.of(value);
    Optional<Location> found =
        Files.isRegularFile(named)
            ? Optional.of(new Location(named.toAbsolutePath(), Source.SETTING))
            : under(byProperty ? "-Dpulmo.openvino" : "PULMO_OPENVINO", named, Source.SETTING);
    // A setting that is wrong must not be passed over: the user would run on something else.
    if (found.isEmpty()) {
      throw new OpenVinoNotFoundException(
          lookedAt, "correct or unset " + (byProperty ? "-Dpulmo.openvino" : "PULMO_OPENVINO"));
    }
    return found;
  }

  private Optional<Location> classPath() {
    List<Path> entries =
        Stream.of(orEmpty(properties.apply("java.class.path")).split(File.pathSeparator))
            .filter(entry -> !entry.isBlank())
            .map(Path::of)
            .toList();
    lookedAt.add("the class path (no jar or folder of it holds " + libraryPattern() + ")");
    try {
      return ClassPathNatives.find(entries, this::isLibrary, cacheFolder())
          .map(library -> new Location(library, Source.CLASS_PATH));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot unpack OpenVINO from the class path into " + cacheFolder(), e);
    }
  }

  private Optional<Location> intelFolder() {
    String folder = environment.apply("INTEL_OPENVINO_DIR");
    if (!present(folder)) {
      lookedAt.add("INTEL_OPENVINO_DIR (not set)");
      return Optional.empty();
    }
    return under("INTEL_OPENVINO_DIR", Path.of(folder), Source.INTEL_OPENVINO_DIR);
  }

  private Optional<Location> python() {
    List<Path> installations = new ArrayList<>();
    String virtual = environment.apply("VIRTUAL_ENV");
    if (present(virtual)) {
      installations.add(Path.of(virtual));
    }
    installations.add(home().resolve(".local"));
    installations.add(root.resolve("usr/local"));
    installations.add(root.resolve("usr"));
    for (Path installation : installations) {
      Path lib = installation.resolve("lib");
      List<Path> pythons = matching(lib, "python3*");
      if (pythons.isEmpty()) {
        lookedAt.add("Python's " + lib + "/python3*/site-packages");
      }
      for (Path python : pythons) {
        for (String packages : List.of("site-packages", "dist-packages")) {
          Optional<Location> found =
              under("Python's", python.resolve(packages).resolve("openvino"), Source.PYTHON);
          if (found.isPresent()) {
            return found;
          }
        }
      }
    }
    return Optional.empty();
  }

  private Optional<Location> system() {
    List<Path> folders = new ArrayList<>();
    for (String folder :
        List.of(
            "usr/local/lib",
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/aarch64-linux-gnu",
            "usr/lib64",
            "usr/lib",
            "opt/homebrew/lib")) {
      folders.add(root.resolve(folder));
    }
    folders.addAll(matching(root.resolve("opt/intel"), "openvino*"));
    for (Path folder : folders) {
      Optional<Location> found = under("the system's", folder, Source.SYSTEM);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private Optional<Location> under(String what, Path folder, Source source) {
    for (String inside : INSIDE) {
      List<Path> libraries = matching(folder.resolve(inside), libraryPattern());
      if (!libraries.isEmpty()) {
        return Optional.of(new Location(libraries.getLast().toAbsolutePath(), source));
      }
    }
    lookedAt.add(
        what
            + " "
            + folder
            + (Files.isDirectory(folder)
                ? " (holds no " + libraryPattern() + ")"
                : " (no such folder)"));
    return Optional.empty();
  }

  /** What the C library is called on this system; releases put their number in the name. */
  private String libraryPattern() {
    String system = orEmpty(properties.apply("os.name")).toLowerCase(Locale.ROOT);
    if (system.contains("win")) {
      return "openvino_c.dll";
    }
    return system.contains("mac") ? "libopenvino_c*.dylib" : "libopenvino_c.so*";
  }

  private boolean isLibrary(String fileName) {
    String[] ends = libraryPattern().split("\\*", -1);
    return fileName.startsWith(ends[0]) && fileName.endsWith(ends.length > 1 ? ends[1] : "");
  }

  /** The entries of a folder that match, by name, so that the newest release comes last. */
  private static List<Path> matching(Path folder, String glob) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
      entries.forEach(found::add);
    } catch (IOException e) {
      // A folder that may not be read holds nothing for us; the message lists it as looked at.
      return List.of();
    }
    found.sort(Comparator.comparing(Path::toString));
    return found;
  }

  private static boolean present(@Nullable String value) {
    return value != null && !value.isBlank();
  }

  private static String orEmpty(@Nullable String value) {
    return value == null ? "" : value;
  }
}
