package io.pulmo.bench;

import java.util.Map;

/** What a bench of a cluster of processes comes to. */
interface ClusterFigures {
  /** For people. */
  String text();

  /** For programs. */
  Map<String, Object> json();

  /** Whether nothing is wrong. */
  boolean clean();
}
