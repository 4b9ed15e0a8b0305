/** What every server of the cluster is: gRPC servers and channels, a follower of the leader. */
@NullMarked
package io.pulmo.node;

import org.jspecify.annotations.NullMarked;
