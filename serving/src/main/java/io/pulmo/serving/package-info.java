/** The serving process's wiring. */
@NullMarked
package io.pulmo.serving;

import org.jspecify.annotations.NullMarked;
