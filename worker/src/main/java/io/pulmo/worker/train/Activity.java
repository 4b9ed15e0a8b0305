package io.pulmo.worker.train;

/** What a member does at this moment. */
public enum Activity {
  /** Fetches files, indexes images, makes its device ready. */
  PREPARING,
  /** Has no view to go on in. */
  IDLE,
  /** Waits for decoded images. */
  DATA,
  /** Computes a gradient. */
  COMPUTING,
  /** Sends, receives and adds. */
  RING,
  /** Takes the optimizer's step. */
  APPLYING,
  /** Judges an epoch. */
  VALIDATING,
  /** Makes the bundle. */
  EXPORTING
}
