/** A job's curves as files that TensorBoard reads. */
@NullMarked
package io.pulmo.cli.curves;

import org.jspecify.annotations.NullMarked;
