/** A coordinator's wiring. */
@NullMarked
package io.pulmo.coordinator;

import org.jspecify.annotations.NullMarked;
