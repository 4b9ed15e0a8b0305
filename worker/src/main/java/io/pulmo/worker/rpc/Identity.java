package io.pulmo.worker.rpc;

import io.pulmo.node.HostPort;

/**
 * What a worker says of itself.
 *
 * @param memberId drawn at random when it started
 * @param name for people
 * @param ringAddress under which the other members reach its ring service
 * @param hostId what tells machines apart
 * @param cores processors that it may use
 * @param device what computes its gradients
 */
public record Identity(
    String memberId, String name, HostPort ringAddress, String hostId, int cores, String device) {}
