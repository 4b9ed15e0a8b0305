/** Bundles on disk and the models loaded from them. */
@NullMarked
package io.pulmo.serving.repository;

import org.jspecify.annotations.NullMarked;
