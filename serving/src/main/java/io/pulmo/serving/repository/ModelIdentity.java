package io.pulmo.serving.repository;

/**
 * Which model it is.
 *
 * @param name what clients ask for it by
 * @param version a higher one replaces a lower one
 * @param digest SHA-256 of the bundle's manifest in hexadecimal
 */
public record ModelIdentity(String name, long version, String digest) {
  @Override
  public String toString() {
    return name + " version " + version + " (" + digest.substring(0, 12) + ")";
  }
}
