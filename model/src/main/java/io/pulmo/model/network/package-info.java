/** The DenseNet as data: layers, parameter names and shapes; no engine. */
@NullMarked
package io.pulmo.model.network;

import org.jspecify.annotations.NullMarked;
