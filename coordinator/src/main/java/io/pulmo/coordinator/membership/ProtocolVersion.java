package io.pulmo.coordinator.membership;

import java.util.Optional;

/**
 * Which versions of the protocol between workers and leader this coordinator speaks. A change that
 * an older worker would get wrong makes a newer version.
 */
public final class ProtocolVersion {
  /** The oldest that it speaks. */
  public static final int OLDEST = 1;

  /** The newest that it speaks. */
  public static final int NEWEST = 1;

  private ProtocolVersion() {}

  /**
   * Why a worker cannot take part, naming both sides; empty if it can.
   *
   * @param version of the protocol that it speaks; 0 if it names none
   * @param pulmo its version of Pulmo, for people; may be empty
   */
  public static Optional<String> refusal(int version, String pulmo) {
    if (version >= OLDEST && version <= NEWEST) {
      return Optional.empty();
    }
    String own = ProtocolVersion.class.getPackage().getImplementationVersion();
    boolean isNewer = version > NEWEST;
    return Optional.of(
        "the worker speaks version "
            + Integer.toUnsignedString(version)
            + " of the protocol (Pulmo "
            + (pulmo.isEmpty() ? "unknown" : pulmo)
            + "), this coordinator "
            + (OLDEST == NEWEST ? "version " + NEWEST : "versions " + OLDEST + " to " + NEWEST)
            + " (Pulmo "
            + (own == null ? "development" : own)
            + "): expected both to be of one Pulmo; update the "
            + (isNewer ? "coordinators" : "worker"));
  }
}
