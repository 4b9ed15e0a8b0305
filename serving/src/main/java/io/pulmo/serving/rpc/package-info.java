/** The Pulmo API over gRPC. */
@NullMarked
package io.pulmo.serving.rpc;

import org.jspecify.annotations.NullMarked;
