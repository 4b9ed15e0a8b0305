package io.pulmo.openvino;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A native object that is freed exactly once: when it has been closed and nobody uses it any more.
 *
 * <p>Users are the calls in progress and the native objects made from this one, so neither a close
 * on another thread nor closing in the wrong order frees what is still needed.
 */
final class Handle implements AutoCloseable {
  private final String what;
  private final MemorySegment pointer;
  private final Consumer<MemorySegment> free;
  private final List<Handle> needs;
  private int users;
  private boolean closed;

  /**
   * Takes over a native object.
   *
   * @param what its noun, for messages
   * @param free frees it
   * @param needs what must outlive it
   * @throws IllegalStateException if one of those is closed; the native object is freed then
   */
  Handle(String what, MemorySegment pointer, Consumer<MemorySegment> free, Handle... needs) {
    this.what = what;
    this.pointer = pointer;
    this.free = free;
    this.needs = List.of(needs);
    for (int i = 0; i < needs.length; i++) {
      try {
        needs[i].acquire();
      } catch (IllegalStateException e) {
        free.accept(pointer);
        this.needs.subList(0, i).forEach(Handle::release);
        throw e;
      }
    }
  }

  /**
   * Runs a call on the native object, which lives at least until the call returns.
   *
   * @throws IllegalStateException if closed
   */
  <T> T use(Function<MemorySegment, T> call) {
    MemorySegment held = acquire();
    try {
      return call.apply(held);
    } finally {
      release();
    }
  }

  /** As {@link #use}, for a call without a result. */
  void run(Consumer<MemorySegment> call) {
    MemorySegment held = acquire();
    try {
      call.accept(held);
    } finally {
      release();
    }
  }

  synchronized MemorySegment acquire() {
    if (closed) {
      throw new IllegalStateException("this " + what + " is closed");
    }
    users++;
    return pointer;
  }

  void release() {
    synchronized (this) {
      users--;
      if (!closed || users > 0) {
        return;
      }
    }
    free();
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      if (users > 0) {
        return;
      }
    }
    free();
  }

  private void free() {
    free.accept(pointer);
    needs.forEach(Handle::release);
  }
}
