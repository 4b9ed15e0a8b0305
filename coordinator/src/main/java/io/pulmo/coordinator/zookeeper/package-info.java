/**
 * Election, epoch, conditional writes and the embedded server: Curator lives here and nowhere else.
 */
@NullMarked
package io.pulmo.coordinator.zookeeper;

import org.jspecify.annotations.NullMarked;
