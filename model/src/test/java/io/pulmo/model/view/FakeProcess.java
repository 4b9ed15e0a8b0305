package io.pulmo.model.view;

import java.util.ArrayDeque;
import java.util.Deque;

/** A process of the simulation: alive, stopped by SIGSTOP, or dead. What comes meanwhile waits. */
abstract class FakeProcess {
  boolean alive = true;
  boolean paused;
  private final Deque<Runnable> waiting = new ArrayDeque<>();

  /** Something comes in, or a timer fires. */
  final void receive(Runnable what) {
    if (paused) {
      waiting.add(what);
    } else if (alive) {
      what.run();
    }
  }

  final void resume() {
    paused = false;
    while (alive && !paused && !waiting.isEmpty()) {
      waiting.removeFirst().run();
    }
  }

  void die() {
    alive = false;
    waiting.clear();
  }
}
