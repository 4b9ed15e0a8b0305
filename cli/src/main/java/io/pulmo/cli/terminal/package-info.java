/**
 * What a person sees of a command: tables, progress, errors with their exit codes, and the same as
 * JSON.
 */
@NullMarked
package io.pulmo.cli.terminal;

import org.jspecify.annotations.NullMarked;
