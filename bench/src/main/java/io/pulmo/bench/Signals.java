package io.pulmo.bench;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The C library's {@code kill}: a signal to a process, at once and without a process of its own.
 */
final class Signals {
  /** A signal, by its number on Linux. */
  enum Signal {
    KILL(9),
    TERM(15),
    CONT(18),
    STOP(19);

    private final int number;

    Signal(int number) {
      this.number = number;
    }
  }

  @SuppressWarnings("restricted") // the launcher and Surefire enable native access
  private static final MethodHandle KILL =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("kill"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private Signals() {}

  /**
   * Sends a signal.
   *
   * @param pid of a child of this process that has not been waited for
   * @throws IOException if there is no such process, or it may not be signalled
   */
  static void send(Signal signal, long pid) throws IOException {
    int result;
    try {
      result = (int) KILL.invokeExact(Math.toIntExact(pid), signal.number);
    } catch (Throwable e) {
      throw new IllegalStateException("kill cannot be called", e);
    }
    if (result != 0) {
      throw new IOException(signal + " could not be sent to process " + pid + ": has it ended?");
    }
  }
}
