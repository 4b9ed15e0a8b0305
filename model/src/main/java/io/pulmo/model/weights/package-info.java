/** Named arrays in and out of files. */
@NullMarked
package io.pulmo.model.weights;

import org.jspecify.annotations.NullMarked;
