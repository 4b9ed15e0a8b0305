package io.pulmo.coordinator.rpc;

import io.pulmo.node.HostPort;
import java.util.List;
import java.util.Optional;

/** What the service asks of the election. */
public interface Leadership {
  /** Who leads, if somebody is known to. */
  Optional<HostPort> leader();

  /** Why nobody is known to lead, in words; of use while nobody is. */
  String whyNone();

  /** The newest leader's epoch, 0 before the first. */
  long epoch();

  /** All coordinators that are up. */
  List<HostPort> coordinators();

  /** All coordinators that are up but this one. */
  List<HostPort> others();

  /** Ends that epoch, unless it is over already. */
  void resign(long epoch, String why);
}
