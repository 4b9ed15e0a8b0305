/** How good answers are: area under the ROC curve. */
@NullMarked
package io.pulmo.model.metric;

import org.jspecify.annotations.NullMarked;
