package io.pulmo.client;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.pulmo.client.PulmoException.Kind;
import io.pulmo.proto.AnalyzeRequest;
import io.pulmo.proto.Failure;
import io.pulmo.proto.Findings;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** The one place where the client's types meet those of the wire. */
final class Wire {
  /** The contract's bound on a message, with room for the other fields. */
  static final int MAX_IMAGE_BYTES = 32 * 1024 * 1024 - 4096;

  private Wire() {}

  static AnalyzeRequest request(String id, byte[] image, Options options) {
    checkSize(image.length);
    return AnalyzeRequest.newBuilder()
        .setCorrelationId(id)
        .setImage(UnsafeByteOperations.unsafeWrap(image))
        .setPrecision(precision(options.precision()))
        .setModel(options.model())
        .build();
  }

  /** Refuses an image that no server takes. */
  static void checkSize(long bytes) {
    if (bytes > MAX_IMAGE_BYTES) {
      throw new IllegalArgumentException(
          "the image has "
              + bytes
              + " bytes, expected at most "
              + MAX_IMAGE_BYTES
              + "; send a smaller one");
    }
  }

  static Analysis analysis(Findings findings) {
    if (findings.getProbabilitiesCount() != Analysis.LABELS.size()) {
      throw new PulmoException(
          Kind.INTERNAL,
          "the server sent "
              + findings.getProbabilitiesCount()
              + " probabilities, expected "
              + Analysis.LABELS.size()
              + "; is it a Pulmo server of this version?");
    }
    Map<String, Float> probabilities = new LinkedHashMap<>();
    for (int i = 0; i < Analysis.LABELS.size(); i++) {
      probabilities.put(Analysis.LABELS.get(i), findings.getProbabilities(i));
    }
    return new Analysis(
        probabilities,
        findings.getModel().getName(),
        findings.getModel().getVersion(),
        findings.getModel().getDigest(),
        precision(findings.getPrecision()),
        weightRange(findings.getWeightRange()));
  }

  static ServedModel model(io.pulmo.proto.ServedModel model) {
    List<String> labels = List.copyOf(model.getLabelsList());
    if (!labels.equals(Analysis.LABELS)) {
      throw new PulmoException(
          Kind.INTERNAL,
          "the server's model "
              + model.getModel().getName()
              + " knows "
              + labels
              + ", expected "
              + Analysis.LABELS
              + "; use a client of the server's version");
    }
    Set<Precision> precisions = EnumSet.noneOf(Precision.class);
    model.getPrecisionsList().forEach(p -> precisions.add(precision(p)));
    return new ServedModel(
        model.getModel().getName(),
        model.getModel().getVersion(),
        model.getModel().getDigest(),
        labels,
        precisions);
  }

  static PulmoException failure(Failure failure) {
    return failure(Status.fromCodeValue(failure.getCode()).withDescription(failure.getMessage()));
  }

  static PulmoException failure(Throwable thrown) {
    return thrown instanceof PulmoException ours ? ours : failure(Status.fromThrowable(thrown));
  }

  private static PulmoException failure(Status status) {
    Kind kind =
        switch (status.getCode()) {
          case INVALID_ARGUMENT -> Kind.INVALID_ARGUMENT;
          case NOT_FOUND -> Kind.NOT_FOUND;
          case FAILED_PRECONDITION -> Kind.NOT_OFFERED;
          case UNAVAILABLE -> Kind.UNAVAILABLE;
          case RESOURCE_EXHAUSTED -> Kind.OVERLOADED;
          case DEADLINE_EXCEEDED -> Kind.DEADLINE;
          case CANCELLED -> Kind.CANCELLED;
          default -> Kind.INTERNAL;
        };
    String description = status.getDescription();
    String message = description == null ? status.getCode().toString() : description;
    Throwable cause = status.getCause();
    if (cause == null) {
      return new PulmoException(kind, message);
    }
    if (kind == Kind.UNAVAILABLE) {
      // A status with a cause comes from this side's transport, which calls all alike "io
      // exception".
      message =
          "the server cannot be reached (%s: %s); check its address and that it runs"
              .formatted(message, Objects.requireNonNullElse(cause.getMessage(), cause.toString()));
    }
    return new PulmoException(kind, message, cause);
  }

  private static io.pulmo.proto.Precision precision(Precision precision) {
    return switch (precision) {
      case SERVER_CHOICE -> io.pulmo.proto.Precision.PRECISION_UNSPECIFIED;
      case TORCH -> io.pulmo.proto.Precision.PRECISION_TORCH;
      case FP32 -> io.pulmo.proto.Precision.PRECISION_FP32;
      case INT8 -> io.pulmo.proto.Precision.PRECISION_INT8;
    };
  }

  private static Optional<WeightRange> weightRange(io.pulmo.proto.WeightRange weightRange) {
    return switch (weightRange) {
      case WEIGHT_RANGE_UNSPECIFIED -> Optional.empty();
      case WEIGHT_RANGE_FULL -> Optional.of(WeightRange.FULL);
      case WEIGHT_RANGE_HALF -> Optional.of(WeightRange.HALF);
      case UNRECOGNIZED ->
          throw new PulmoException(
              Kind.INTERNAL,
              "the server names a range of weights that this client does not know; use a client of the server's version");
    };
  }

  private static Precision precision(io.pulmo.proto.Precision precision) {
    return switch (precision) {
      case PRECISION_TORCH -> Precision.TORCH;
      case PRECISION_FP32 -> Precision.FP32;
      case PRECISION_INT8 -> Precision.INT8;
      case PRECISION_UNSPECIFIED, UNRECOGNIZED ->
          throw new PulmoException(
              Kind.INTERNAL,
              "the server names a precision that this client does not know: "
                  + precision
                  + "; use a client of the server's version");
    };
  }
}
