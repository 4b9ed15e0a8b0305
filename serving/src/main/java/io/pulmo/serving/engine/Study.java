package io.pulmo.serving.engine;

import io.pulmo.serving.backend.Mode;
import java.util.Optional;

/**
 * A request to judge one image.
 *
 * @param image the bytes of an image file; not copied
 * @param mode what shall compute it; empty for the first that the model offers
 * @param model the model's name; empty where there is only one
 * @param expiresNanos when nobody waits for it any more, by the engine's clock; {@link
 *     Long#MAX_VALUE} for never
 */
public record Study(byte[] image, Optional<Mode> mode, String model, long expiresNanos) {}
