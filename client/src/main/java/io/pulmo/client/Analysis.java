package io.pulmo.client;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a model says about one radiograph.
 *
 * @param probabilities of the fourteen findings, each in 0..1, by the NIH's label and in the order
 *     of {@link #LABELS}; unmodifiable
 * @param modelName the model's name
 * @param modelVersion the model's version
 * @param modelDigest SHA-256 of the model's bundle in hexadecimal: equal digests are equal models
 * @param precision what computed it, never {@link Precision#SERVER_CHOICE}
 * @param weightRange with which weights, where the precision is {@link Precision#INT8}; else empty
 */
public record Analysis(
    Map<String, Float> probabilities,
    String modelName,
    long modelVersion,
    String modelDigest,
    Precision precision,
    Optional<WeightRange> weightRange) {
  /** The fourteen findings of ChestX-ray14 in the NIH's spelling and order. */
  public static final List<String> LABELS =
      List.of(
          "Atelectasis",
          "Cardiomegaly",
          "Effusion",
          "Infiltration",
          "Mass",
          "Nodule",
          "Pneumonia",
          "Pneumothorax",
          "Consolidation",
          "Edema",
          "Emphysema",
          "Fibrosis",
          "Pleural_Thickening",
          "Hernia");

  /** Copies the probabilities and checks that they are those of {@link #LABELS}, in order. */
  public Analysis {
    probabilities = Collections.unmodifiableMap(new LinkedHashMap<>(probabilities));
    if (!LABELS.equals(List.copyOf(probabilities.keySet()))) {
      throw new IllegalArgumentException(
          "given probabilities of " + probabilities.keySet() + ", expected those of " + LABELS);
    }
  }

  /**
   * The probability of one finding.
   *
   * @param label one of {@link #LABELS}
   * @throws IllegalArgumentException if there is no such finding
   */
  public float probability(String label) {
    Float probability = probabilities.get(label);
    if (probability == null) {
      throw new IllegalArgumentException(
          "no finding is called '" + label + "'; expected one of " + LABELS);
    }
    return probability;
  }
}
