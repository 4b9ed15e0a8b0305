package io.pulmo.client;

import java.util.List;
import java.util.Set;

/**
 * A model that a server offers.
 *
 * @param name what to ask for it by, see {@link Options#withModel}
 * @param version its version
 * @param digest SHA-256 of its bundle in hexadecimal
 * @param labels the findings that it knows, in order
 * @param precisions what can compute it
 */
public record ServedModel(
    String name, long version, String digest, List<String> labels, Set<Precision> precisions) {
  /** Copies the collections. */
  public ServedModel {
    labels = List.copyOf(labels);
    precisions = Set.copyOf(precisions);
  }
}
