/** The cluster's gRPC service: between the wire and the domain. */
@NullMarked
package io.pulmo.coordinator.rpc;

import org.jspecify.annotations.NullMarked;
