package io.pulmo.model.weights;

import java.util.List;

/** What is wrong, item by item, cut to a length that a person reads. */
final class Listing {
  static final int MOST = 10;

  private Listing() {}

  /** The first ten, and how many more there are. */
  static String of(List<String> items) {
    String head = String.join("; ", items.subList(0, Math.min(MOST, items.size())));
    return items.size() > MOST ? head + "; and " + (items.size() - MOST) + " more" : head;
  }
}
