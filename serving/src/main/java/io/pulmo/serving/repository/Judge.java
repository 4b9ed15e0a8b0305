package io.pulmo.serving.repository;

import io.pulmo.model.Findings;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.WeightRange;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;

/** A model that can be asked: image bytes in, findings out. Safe for use by several threads. */
public interface Judge {
  /** Which model it is. */
  ModelIdentity identity();

  /** What it can be judged with, in the order of preference; at least one. */
  SortedSet<Mode> modes();

  /** Why the other modes that were asked for cannot run. */
  Map<Mode, String> unavailable();

  /**
   * Which weights a mode computes with; empty for one that is not quantized.
   *
   * @param mode one of {@link #modes}
   */
  Optional<WeightRange> weightRange(Mode mode);

  /** How many studies side by side keep the machine busy. */
  int parallelism();

  /**
   * Judges one image. Native and long: call it on a platform thread.
   *
   * @param image the bytes of an image file
   * @param mode one of {@link #modes}
   * @throws UnreadableImageException if they cannot be read as one
   */
  Findings judge(byte[] image, Mode mode) throws UnreadableImageException;
}
