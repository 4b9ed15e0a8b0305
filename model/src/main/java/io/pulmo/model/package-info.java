/** The fourteen findings and their scores. */
@NullMarked
package io.pulmo.model;

import org.jspecify.annotations.NullMarked;
