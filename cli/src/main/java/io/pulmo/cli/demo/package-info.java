/** The demonstration: the whole cluster as child processes, driven as a user would. */
@NullMarked
package io.pulmo.cli.demo;

import org.jspecify.annotations.NullMarked;
