/** A worker's wiring. */
@NullMarked
package io.pulmo.worker;

import org.jspecify.annotations.NullMarked;
