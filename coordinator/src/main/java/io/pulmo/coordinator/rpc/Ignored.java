package io.pulmo.coordinator.rpc;

import io.grpc.stub.StreamObserver;

/** Takes what still comes in on a call that has been refused. */
final class Ignored<T> implements StreamObserver<T> {
  @Override
  public void onNext(T message) {}

  @Override
  public void onError(Throwable t) {}

  @Override
  public void onCompleted() {}
}
