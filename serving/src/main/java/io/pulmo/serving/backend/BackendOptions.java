package io.pulmo.serving.backend;

import java.util.Optional;

/**
 * How backends use a machine.
 *
 * @param processor what they run on
 * @param forcedRange the weights of a quantized network; empty for what suits the processor
 * @param threads how many compute, at least 1
 * @param compiledModels where what is compiled for the processor is kept; empty for nowhere
 */
public record BackendOptions(
    Processor processor,
    Optional<WeightRange> forcedRange,
    int threads,
    Optional<CompiledModels> compiledModels) {
  /** Checks the number of threads. */
  public BackendOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + ", expected 1 or more");
    }
  }

  /** What suits the machine that this runs on, within the quota of its container. */
  public static BackendOptions ofThisMachine() {
    return new BackendOptions(
        Processor.here(),
        Optional.empty(),
        Runtime.getRuntime().availableProcessors(),
        Optional.empty());
  }

  /** These with weights of a given range. */
  public BackendOptions withForcedRange(Optional<WeightRange> range) {
    return new BackendOptions(processor, range, threads, compiledModels);
  }

  /** These with a place for what is compiled. */
  public BackendOptions withCompiledModels(CompiledModels place) {
    return new BackendOptions(processor, forcedRange, threads, Optional.of(place));
  }

  /** The weights that are used. */
  public WeightRange weightRange() {
    return forcedRange.orElseGet(processor::weightRange);
  }
}
