/** From weights to an ONNX graph to a bundle. */
@NullMarked
package io.pulmo.export;

import org.jspecify.annotations.NullMarked;
