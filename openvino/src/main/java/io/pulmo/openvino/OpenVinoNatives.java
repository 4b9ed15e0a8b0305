package io.pulmo.openvino;

import java.nio.file.Path;

/**
 * Where OpenVINO's runtime is on this machine.
 *
 * <p>Looked at in this order: the explicit setting (system property {@code pulmo.openvino} or
 * environment variable {@code PULMO_OPENVINO}: a folder, or the C library itself), natives on the
 * class path, {@code INTEL_OPENVINO_DIR}, {@link #downloadFolder()}, Python's site-packages, the
 * system's library folders.
 */
public final class OpenVinoNatives {
  /** The release that Pulmo downloads and is tested with. */
  public static final String RELEASE = "2026.4.1";

  private OpenVinoNatives() {}

  /** Which of the places it was found in. */
  public enum Source {
    /** The system property or environment variable names it. */
    SETTING,
    /** A jar or folder of the class path holds it. */
    CLASS_PATH,
    /** Intel's archive, whose script sets {@code INTEL_OPENVINO_DIR}. */
    INTEL_OPENVINO_DIR,
    /** Pulmo's own download. */
    DOWNLOAD,
    /** A Python installation's {@code openvino} package. */
    PYTHON,
    /** A folder of system libraries. */
    SYSTEM
  }

  /**
   * The C library's file and how it was found.
   *
   * @param library absolute path of {@code libopenvino_c.so.NNNN} or what it is called here
   * @param source which of the places it is in
   */
  public record Location(Path library, Source source) {}

  /**
   * What is found and what it says of itself.
   *
   * @param location the C library
   * @param version the runtime's own version, as its code reports it
   */
  public record Found(Location location, String version) {}

  /**
   * Finds the C library without loading it.
   *
   * @throws OpenVinoNotFoundException with every place looked at and the command that mends it;
   *     also if the explicit setting names something that is not there, whatever the other places
   *     hold
   */
  public static Location locate() {
    return NativeSearch.ofThisMachine().locate();
  }

  /**
   * Finds the C library, loads it and asks it for its version.
   *
   * @throws OpenVinoNotFoundException as {@link #locate}
   * @throws OpenVinoException if it does not load
   */
  public static Found describe() {
    OpenVinoNative openVino = OpenVinoNative.loaded();
    return new Found(openVino.location(), openVino.version());
  }

  /**
   * Pulmo's own download: the folder into which the wheel is unpacked, so that it holds {@code
   * openvino/libs/}. It is {@code openvino/RELEASE} under {@code PULMO_CACHE}, by default {@code
   * pulmo} under {@code XDG_CACHE_HOME}, by default {@code ~/.cache}.
   */
  public static Path downloadFolder() {
    return NativeSearch.ofThisMachine().downloadFolder();
  }
}
