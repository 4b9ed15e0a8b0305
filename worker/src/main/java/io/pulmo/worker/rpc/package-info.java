/** A worker's control stream: proto to domain and back. */
@NullMarked
package io.pulmo.worker.rpc;

import org.jspecify.annotations.NullMarked;
