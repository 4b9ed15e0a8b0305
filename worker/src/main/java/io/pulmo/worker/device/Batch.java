package io.pulmo.worker.device;

/**
 * Samples that a device judges together.
 *
 * @param crops [samples, cropsPerSample, 3, side, side]; may be longer; not copied
 * @param labels [samples, 14] in 0..1; may be longer; not copied
 * @param samples how many
 * @param cropsPerSample crops that share a sample's labels
 * @param sidePixels height and width of a crop
 */
public record Batch(
    float[] crops, float[] labels, int samples, int cropsPerSample, int sidePixels) {}
