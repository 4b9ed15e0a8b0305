package io.pulmo.model.view;

/**
 * Which training state: that after so many steps, the last of them taken in that view. A member
 * that enters a view relabels its state with it. Two states of one label are equal bit for bit.
 *
 * @param view that the holder had entered, 0 before the first
 * @param step steps taken since the job's start
 */
public record Label(long view, long step) {
  /** The state before the first step, which every member can make by itself. */
  public static final Label START = new Label(0, 0);

  /** Checks the range. */
  public Label {
    if (view < 0 || step < 0) {
      throw new IllegalArgumentException(
          "view is " + view + ", step " + step + ": expected neither below 0");
    }
  }

  @Override
  public String toString() {
    return "step " + step + " of view " + view;
  }
}
