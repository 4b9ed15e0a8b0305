/** Training in step: samples, gradients, sums over the ring, the optimizer, validation. */
@NullMarked
package io.pulmo.worker.train;

import org.jspecify.annotations.NullMarked;
