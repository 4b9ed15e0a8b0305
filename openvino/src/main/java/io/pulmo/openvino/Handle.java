package io.pulmo.openvino;

import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A native object that is freed exactly once: when it has been closed and nobody uses it any more.
 *
 * <p>Users are the calls in progress and the native objects made from this one, so neither a close
 * on another thread nor closing in the wrong order frees what is still needed. One that is
 * forgotten is freed, and reported, when the garbage collector finds its owner gone.
 */
final class Handle implements AutoCloseable {
  private static final Cleaner FORGOTTEN = Cleaner.create();

  private final String what;
  private final MemorySegment pointer;
  private final Consumer<MemorySegment> free;
  private final List<Handle> needs;
  private int users;
  private boolean closed;
  private Cleaner.@Nullable Cleanable watch;

  /**
   * Takes over a native object.
   *
   * @param what its noun, for messages
   * @param free frees it
   * @param needs what must outlive it
   * @throws IllegalStateException if one of those is freed; the native object is freed then as well
   */
  Handle(String what, MemorySegment pointer, Consumer<MemorySegment> free, Handle... needs) {
    this.what = what;
    this.pointer = pointer;
    this.free = free;
    this.needs = List.of(needs);
    for (int i = 0; i < needs.length; i++) {
      try {
        needs[i].retain();
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

  /** As {@link #acquire}, for what is made from the native object while others still use it. */
  private synchronized void retain() {
    if (closed && users == 0) {
      throw new IllegalStateException("this " + what + " is closed");
    }
    users++;
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

  /**
   * Closes and reports this handle if its owner is collected without having closed it.
   *
   * @param owner who closes it; nothing that it frees or needs may refer to the owner
   */
  void watch(Object owner) {
    Cleaner.Cleanable registered = FORGOTTEN.register(owner, this::forgotten);
    synchronized (this) {
      watch = registered;
    }
  }

  private void forgotten() {
    if (!isClosed()) {
      System.getLogger(Handle.class.getPackageName())
          .log(
              Level.WARNING,
              "a {0} was never closed; its native memory is freed only now: close it when done",
              what);
      close();
    }
  }

  synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    Cleaner.Cleanable registered;
    boolean last;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      last = users == 0;
      registered = watch;
      watch = null;
    }
    if (registered != null) {
      registered.clean();
    }
    if (last) {
      free();
    }
  }

  private void free() {
    try {
      free.accept(pointer);
    } finally {
      needs.forEach(Handle::release);
    }
  }
}
