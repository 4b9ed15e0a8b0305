/** Label lists, annotated boxes and the generator of synthetic radiographs. */
@NullMarked
package io.pulmo.model.data;

import org.jspecify.annotations.NullMarked;
