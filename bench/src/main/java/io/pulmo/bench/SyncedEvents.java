package io.pulmo.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A file of events that outlives whatever happens to the processes in them: what is added is
 * written and synced to the disk soon after, in order, by a thread of its own.
 *
 * <p>Its listeners hear each event in the file's order.
 */
final class SyncedEvents implements AutoCloseable {
  private static final int MOST_WAITING = 65_536;
  private static final int MOST_AT_ONCE = 1_024;
  private static final long LOOK_MILLIS = 100;

  private final EventsFile file;
  private final long beganNanos;
  private final Consumer<ClusterEvent> listener;
  private final BlockingQueue<ClusterEvent> waiting = new ArrayBlockingQueue<>(MOST_WAITING);
  private final Thread writer;
  private volatile boolean closing;
  private volatile @Nullable Exception failure;

  private SyncedEvents(EventsFile file, Consumer<ClusterEvent> listener) {
    this.file = file;
    this.listener = listener;
    this.beganNanos = System.nanoTime();
    this.writer = Thread.ofPlatform().name("events").daemon().unstarted(this::write);
  }

  /**
   * Begins a file.
   *
   * @param listener hears each event, on the writer's thread
   */
  static SyncedEvents create(Path path, Consumer<ClusterEvent> listener) throws IOException {
    SyncedEvents events = new SyncedEvents(EventsFile.create(path), listener);
    events.writer.start();
    return events;
  }

  /** Microseconds since the file was begun. */
  long now() {
    return (System.nanoTime() - beganNanos) / 1_000;
  }

  /** Adds an event; waits while too many are waiting for the disk. */
  void add(ClusterEvent event) {
    try {
      waiting.put(event);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted before an event was written", e);
    }
  }

  private void write() {
    List<ClusterEvent> batch = new ArrayList<>();
    try {
      while (true) {
        boolean last = closing;
        ClusterEvent first = waiting.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        if (first == null) {
          if (last) {
            return;
          }
          continue;
        }
        batch.add(first);
        waiting.drainTo(batch, MOST_AT_ONCE);
        for (ClusterEvent event : batch) {
          file.add(event);
          listener.accept(event);
        }
        file.sync();
        batch.clear();
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
      // Whoever adds must not wait for a writer that is gone.
      while (!closing) {
        waiting.clear();
        Thread.onSpinWait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Throws what befell the writer, if something did. */
  void check() throws IOException {
    Exception befallen = failure;
    if (befallen != null) {
      throw new IOException("the events could not be written: " + befallen, befallen);
    }
  }

  @Override
  public void close() throws IOException {
    closing = true;
    try {
      writer.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    file.close();
    check();
  }
}
