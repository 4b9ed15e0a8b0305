/**
 * Who trains a job together, and from which state they go on: the protocol of views, both sides of
 * it, without I/O. The leader decides, members promise; a ring needs all its members, so the ring
 * is the quorum.
 */
@NullMarked
package io.pulmo.model.view;

import org.jspecify.annotations.NullMarked;
