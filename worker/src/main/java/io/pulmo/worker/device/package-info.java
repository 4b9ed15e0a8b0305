/** What computes gradients. */
@NullMarked
package io.pulmo.worker.device;

import org.jspecify.annotations.NullMarked;
