/** The pulmo command: a subcommand for each role. */
@NullMarked
package io.pulmo.cli;

import org.jspecify.annotations.NullMarked;
