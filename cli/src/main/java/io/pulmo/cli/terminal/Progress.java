package io.pulmo.cli.terminal;

import java.io.PrintStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * How far a long task is, on standard error: a bar with rate and time left on a terminal, a line
 * each ten seconds otherwise, nothing when quiet.
 */
public final class Progress implements AutoCloseable {
  private static final int BAR_REFRESH_MILLIS = 250;
  private static final int LINE_INTERVAL_MILLIS = 10_000;
  private static final int STANDARD_ERROR = 2;

  /** To the line's start, and nothing after it: over a bar, which draws itself anew. */
  private static final String CLEAR_LINE = "\r\u001b[K";

  private final @Nullable ProgressBar bar;

  private Progress(@Nullable ProgressBar bar) {
    this.bar = bar;
  }

  /** A line of its own, over a bar that may be there; nothing when quiet. */
  public static void line(String words, boolean quiet) {
    if (!quiet) {
      System.err.println((isTerminal(STANDARD_ERROR) ? CLEAR_LINE : "") + words);
    }
  }

  /**
   * Begins.
   *
   * @param task what is being done
   * @param unit what is counted, such as " images"
   * @param total how many there will be; at most 0 while unknown
   * @param quiet true for none
   */
  public static Progress start(String task, String unit, long total, boolean quiet) {
    return start(task, unit, 1, 0, total, quiet);
  }

  /**
   * Begins to count bytes, and shows them in megabytes.
   *
   * @param from how many there are already
   * @param total how many there will be; at most 0 while unknown
   */
  public static Progress bytes(String task, long from, long total, boolean quiet) {
    return start(task, " MB", 1_000_000, from, total, quiet);
  }

  private static Progress start(
      String task, String unit, long unitSize, long from, long total, boolean quiet) {
    if (quiet) {
      return new Progress(null);
    }
    PrintStream err = System.err;
    boolean terminal = isTerminal(STANDARD_ERROR);
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setUnit(unit, unitSize)
            .setInitialMax(total)
            .startsFrom(from, Duration.ZERO)
            .setStyle(ProgressBarStyle.ASCII)
            .showSpeed()
            .setUpdateIntervalMillis(terminal ? BAR_REFRESH_MILLIS : LINE_INTERVAL_MILLIS)
            .setConsumer(
                terminal
                    ? new ConsoleProgressBarConsumer(err)
                    : new DelegatingProgressBarConsumer(err::println, 120));
    return new Progress(builder.build());
  }

  /** How many are done. */
  public void at(long done) {
    if (bar != null) {
      bar.stepTo(done);
    }
  }

  /** How many are done of how many. */
  public void at(long done, long total) {
    if (bar != null) {
      bar.maxHint(total);
      bar.stepTo(done);
    }
  }

  /** A few words beside the bar. */
  public void note(String words) {
    if (bar != null) {
      bar.setExtraMessage(" " + words);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }

  /** Whether a file descriptor is a terminal: POSIX isatty. */
  static boolean isTerminal(int descriptor) {
    Linker linker = Linker.nativeLinker();
    try {
      return linker
          .defaultLookup()
          .find("isatty")
          .map(
              symbol -> {
                try {
                  return (int)
                          linker
                              .downcallHandle(
                                  symbol,
                                  FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT))
                              .invokeExact(descriptor)
                      == 1;
                } catch (Throwable impossible) {
                  // isatty throws nothing; the method handle's signature says Throwable
                  throw new IllegalStateException(impossible);
                }
              })
          .orElse(false);
    } catch (UnsupportedOperationException withoutNativeAccess) {
      return false;
    }
  }
}
