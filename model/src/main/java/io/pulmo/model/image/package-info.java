/**
 * From the bytes of an image file to the tensor of its ten crops; training and serving share it.
 */
@NullMarked
package io.pulmo.model.image;

import org.jspecify.annotations.NullMarked;
