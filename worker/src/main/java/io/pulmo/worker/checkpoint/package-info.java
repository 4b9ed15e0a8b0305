/** The state of a training on disk. */
@NullMarked
package io.pulmo.worker.checkpoint;

import org.jspecify.annotations.NullMarked;
