package io.pulmo.coordinator.rpc;

/** A blob on its way in or out; who lets it lie idle loses it. */
sealed interface Transfer permits Upload, Download {
  /** Gives the transfer up if nothing has moved since the given time. */
  void cutIfIdleSince(long nanos);
}
