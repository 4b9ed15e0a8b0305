/** The Java client: radiographs in, findings out. */
@NullMarked
package io.pulmo.client;

import org.jspecify.annotations.NullMarked;
