/** From members to the order of the ring, the shares and the threads: a pure function. */
@NullMarked
package io.pulmo.coordinator.ring;

import org.jspecify.annotations.NullMarked;
