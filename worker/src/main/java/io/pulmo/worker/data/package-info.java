/** A job's images on this worker: which it holds, which it lacks, and how it comes by those. */
@NullMarked
package io.pulmo.worker.data;

import org.jspecify.annotations.NullMarked;
