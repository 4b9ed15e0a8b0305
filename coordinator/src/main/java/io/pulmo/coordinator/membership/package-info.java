/** Who is here, by their control streams. */
@NullMarked
package io.pulmo.coordinator.membership;

import org.jspecify.annotations.NullMarked;
