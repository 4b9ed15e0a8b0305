/** The command's side of the cluster's control plane: wire messages to plain records and back. */
@NullMarked
package io.pulmo.cli.rpc;

import org.jspecify.annotations.NullMarked;
