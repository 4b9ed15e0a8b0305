/** The servable artifact that training makes and serving loads. */
@NullMarked
package io.pulmo.model.bundle;

import org.jspecify.annotations.NullMarked;
