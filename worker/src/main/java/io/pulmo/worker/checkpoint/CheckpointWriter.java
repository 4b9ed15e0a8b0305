package io.pulmo.worker.checkpoint;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.pulmo.model.view.Label;
import io.pulmo.worker.checkpoint.CheckpointFolder.Held;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A background thread that writes checkpoints: training waits for a copy in memory alone.
 *
 * <p>One write is under way at a time and one more waits; a newer one takes the place of that which
 * waits. What goes wrong with the disk is told, and training goes on.
 */
public final class CheckpointWriter implements AutoCloseable {
  /** Who is told what became of checkpoints, on the background thread unless it says otherwise. */
  public interface Listener {
    /** It is on the disk, synced and read back. */
    void held(Held held);

    /** It could not be written; whatever was written of it is removed. */
    void failed(Label label, IOException why);

    /**
     * It was never written: the disk is slower than checkpoints come. On the training thread.
     *
     * @param by the newer one that took its place
     */
    void replaced(Label label, Label by);
  }

  private final CheckpointFolder folder;
  private final Listener listener;
  // Freed when nobody can reach it any more: an interrupted close() does not wait for the thread.
  private final Arena arena = Arena.ofAuto();
  private final Thread thread;

  @GuardedBy("this")
  private final Deque<Snapshot> free = new ArrayDeque<>();

  @GuardedBy("this")
  private @Nullable Snapshot waiting;

  @GuardedBy("this")
  private boolean writing;

  @GuardedBy("this")
  private boolean closed;

  /**
   * A writer with room for two states.
   *
   * @param like has arrays as long as those of all states to come
   */
  public CheckpointWriter(CheckpointFolder folder, TrainingState like, Listener listener) {
    this.folder = folder;
    this.listener = listener;
    free.add(new Snapshot(like, arena));
    free.add(new Snapshot(like, arena));
    this.thread = Thread.ofPlatform().daemon().name("checkpoints").start(this::run);
  }

  /**
   * Copies a state and has it written. One thread at a time may call it, that has the state.
   *
   * @param label of the state
   */
  public void take(Label label, TrainingState state) {
    Snapshot snapshot;
    Label instead = null;
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("the writer of checkpoints is closed");
      }
      snapshot = waiting;
      if (snapshot != null) {
        instead = snapshot.label();
        waiting = null;
      } else {
        // One is under way at most, and this thread alone fills the other.
        snapshot = free.removeFirst();
      }
    }
    try {
      snapshot.take(label, state);
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        free.add(snapshot);
      }
      throw e;
    }
    synchronized (this) {
      waiting = snapshot;
      notifyAll();
    }
    if (instead != null) {
      listener.replaced(instead, label);
    }
  }

  /** Waits until nothing is under way and nothing waits. */
  public synchronized void flush() throws InterruptedException {
    while (waiting != null || writing) {
      wait();
    }
  }

  /** Ends the thread once it has written what is there; at once if the caller is interrupted. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      // Breaks off its write, which leaves nothing behind.
      thread.interrupt();
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      for (Snapshot next = next(); next != null; next = next()) {
        write(next);
        synchronized (this) {
          free.add(next);
          writing = false;
          notifyAll();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized @Nullable Snapshot next() throws InterruptedException {
    while (waiting == null && !closed) {
      wait();
    }
    Snapshot next = waiting;
    waiting = null;
    writing = next != null;
    return next;
  }

  private void write(Snapshot snapshot) {
    Held held;
    try {
      held = folder.write(snapshot);
    } catch (IOException e) {
      listener.failed(snapshot.label(), failure(snapshot, e.toString(), e));
      return;
    } catch (RuntimeException | Error e) {
      // Out of memory, say. It must not end the thread: the next checkpoint may succeed.
      listener.failed(snapshot.label(), failure(snapshot, e.toString(), e));
      return;
    }
    listener.held(held);
  }

  private IOException failure(Snapshot snapshot, String what, Throwable cause) {
    return new IOException(
        "the checkpoint of %s (%d MB) cannot be written: %s; make room in %s or see to its disk"
            .formatted(
                snapshot.label(),
                snapshot.bytes() / 1_000_000,
                what,
                folder.path().toAbsolutePath()),
        cause);
  }
}
