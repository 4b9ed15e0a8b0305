package io.pulmo.serving.rpc;

import io.grpc.Status;
import io.pulmo.model.Finding;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.AnalyzeResponse;
import io.pulmo.proto.Failure;
import io.pulmo.proto.Findings;
import io.pulmo.proto.ModelIdentity;
import io.pulmo.proto.Precision;
import io.pulmo.proto.ServedModel;
import io.pulmo.proto.WeightRange;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.engine.Judgement;
import io.pulmo.serving.engine.RefusedException;
import io.pulmo.serving.engine.Study;
import io.pulmo.serving.repository.Judge;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where the engine's types meet those of the wire. */
final class Wire {
  private static final Logger log = LoggerFactory.getLogger(Wire.class);
  private static final int MAX_ID_BYTES = 256;

  private Wire() {}

  /**
   * The study of a request.
   *
   * @throws io.grpc.StatusRuntimeException if the request breaks the contract
   */
  static Study study(AnalyzeRequest request, long expiresNanos) {
    int idBytes = request.getCorrelationId().getBytes(StandardCharsets.UTF_8).length;
    if (idBytes > MAX_ID_BYTES) {
      throw Status.INVALID_ARGUMENT
          .withDescription(
              "the correlation id has " + idBytes + " bytes, expected at most " + MAX_ID_BYTES)
          .asRuntimeException();
    }
    Optional<Mode> mode =
        switch (request.getPrecision()) {
          case PRECISION_UNSPECIFIED -> Optional.empty();
          case PRECISION_TORCH -> Optional.of(Mode.TORCH);
          case PRECISION_FP32 -> Optional.of(Mode.FP32);
          case PRECISION_INT8 -> Optional.of(Mode.INT8);
          case UNRECOGNIZED ->
              throw Status.INVALID_ARGUMENT
                  .withDescription(
                      "precision is "
                          + request.getPrecisionValue()
                          + ", expected one of 0 (the server's choice), 1 (torch), 2 (fp32), 3 (int8)")
                  .asRuntimeException();
        };
    return new Study(request.getImage().toByteArray(), mode, request.getModel(), expiresNanos);
  }

  /** An id as it may be sent back: one that is too long is cut. */
  static String echo(String correlationId) {
    return correlationId.length() <= MAX_ID_BYTES
        ? correlationId
        : correlationId.substring(0, MAX_ID_BYTES);
  }

  static AnalyzeResponse answer(String correlationId, Judgement judgement) {
    Findings.Builder findings = Findings.newBuilder();
    for (float probability : judgement.findings().probabilities()) {
      findings.addProbabilities(probability);
    }
    return AnalyzeResponse.newBuilder()
        .setCorrelationId(correlationId)
        .setFindings(
            findings
                .setModel(identity(judgement.model()))
                .setPrecision(precision(judgement.mode()))
                .setWeightRange(weightRange(judgement.weightRange())))
        .build();
  }

  static AnalyzeResponse failure(String correlationId, Status status) {
    String description = status.getDescription();
    return AnalyzeResponse.newBuilder()
        .setCorrelationId(echo(correlationId))
        .setFailure(
            Failure.newBuilder()
                .setCode(status.getCode().value())
                .setMessage(description == null ? status.getCode().toString() : description))
        .build();
  }

  static ServedModel model(Judge model) {
    ServedModel.Builder served = ServedModel.newBuilder().setModel(identity(model.identity()));
    Finding.ALL.forEach(finding -> served.addLabels(finding.label()));
    model.modes().forEach(mode -> served.addPrecisions(precision(mode)));
    return served.build();
  }

  /** What a client is told of a failure. */
  static Status status(Throwable thrown) {
    Throwable cause = thrown;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof io.grpc.StatusRuntimeException ours) {
      return ours.getStatus();
    }
    if (cause instanceof CancellationException) {
      return Status.CANCELLED.withDescription("the client cancelled it");
    }
    if (cause instanceof RefusedException refused) {
      Status status =
          switch (refused.reason()) {
            case UNREADABLE_IMAGE -> Status.INVALID_ARGUMENT;
            case NO_SUCH_MODEL -> Status.NOT_FOUND;
            case MODE_NOT_OFFERED -> Status.FAILED_PRECONDITION;
            case OVERLOADED -> Status.RESOURCE_EXHAUSTED;
            case EXPIRED -> Status.DEADLINE_EXCEEDED;
            case STOPPING -> Status.UNAVAILABLE;
          };
      return status.withDescription(refused.getMessage());
    }
    log.error("A study could not be judged", cause);
    return Status.INTERNAL.withDescription("the server failed: " + cause);
  }

  private static ModelIdentity identity(io.pulmo.serving.repository.ModelIdentity model) {
    return ModelIdentity.newBuilder()
        .setName(model.name())
        .setVersion(model.version())
        .setDigest(model.digest())
        .build();
  }

  private static Precision precision(Mode mode) {
    return switch (mode) {
      case FP32 -> Precision.PRECISION_FP32;
      case TORCH -> Precision.PRECISION_TORCH;
      case INT8 -> Precision.PRECISION_INT8;
    };
  }

  private static WeightRange weightRange(
      Optional<io.pulmo.serving.backend.WeightRange> weightRange) {
    return weightRange
        .map(
            range ->
                switch (range) {
                  case FULL -> WeightRange.WEIGHT_RANGE_FULL;
                  case HALF -> WeightRange.WEIGHT_RANGE_HALF;
                })
        .orElse(WeightRange.WEIGHT_RANGE_UNSPECIFIED);
  }
}
