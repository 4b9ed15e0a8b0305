package io.pulmo.serving.repository;

import java.io.IOException;

/** Says that a model does not compute what its bundle says it should. */
public final class SelfTestException extends IOException {
  private static final long serialVersionUID = 1;

  SelfTestException(String message) {
    super(message);
  }
}
