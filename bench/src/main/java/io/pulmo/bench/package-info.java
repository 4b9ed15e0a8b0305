/**
 * Measurements: what happened goes to a file of raw events, and the figures are computed from that
 * file alone.
 */
@NullMarked
package io.pulmo.bench;

import org.jspecify.annotations.NullMarked;
