/** All-reduce over gRPC streams: the one place that knows buffers and flow control. */
@NullMarked
package io.pulmo.worker.ring;

import org.jspecify.annotations.NullMarked;
