/** What computes the probabilities of a study's crops: OpenVINO or Torch. */
@NullMarked
package io.pulmo.serving.backend;

import org.jspecify.annotations.NullMarked;
