/** What a user asks the cluster to train: JOB.yaml. */
@NullMarked
package io.pulmo.model.job;

import org.jspecify.annotations.NullMarked;
