/**
 * The Java client of a Pulmo server: radiographs in, the probabilities of fourteen findings out.
 *
 * <p>Start at {@link io.pulmo.client.PulmoClient}. Nothing of gRPC, protobuf or Guava is in this
 * package's public types, so that an application is free in its own versions of them.
 */
@NullMarked
package io.pulmo.client;

import org.jspecify.annotations.NullMarked;
