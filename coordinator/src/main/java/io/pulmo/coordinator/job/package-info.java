/** The job's state machine, the queue of jobs and the files that came with them. */
@NullMarked
package io.pulmo.coordinator.job;

import org.jspecify.annotations.NullMarked;
