/** The DenseNet in DJL blocks: forward and backward. */
@NullMarked
package io.pulmo.net;

import org.jspecify.annotations.NullMarked;
