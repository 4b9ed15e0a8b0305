package io.pulmo.model.view;

/**
 * A training state that a member holds.
 *
 * @param label which
 * @param digest SHA-256 of all of it, hexadecimal
 */
public record Holding(Label label, String digest) {}
