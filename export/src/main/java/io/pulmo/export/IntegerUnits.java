package io.pulmo.export;

import io.pulmo.export.FoldedNetwork.Concatenation;
import io.pulmo.export.FoldedNetwork.Convolution;
import io.pulmo.export.FoldedNetwork.Kind;
import io.pulmo.export.FoldedNetwork.Linear;
import io.pulmo.export.FoldedNetwork.Node;
import io.pulmo.export.FoldedNetwork.Plain;
import io.pulmo.export.FoldedNetwork.ScaleShift;
import io.pulmo.model.network.DenseNetSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * A network in units of its integers: each channel of each quantized value is shifted and divided
 * by a unit of its own, so that rounding to 0..255 is all that is left to do.
 *
 * <p>Integers have one scale for a whole value where a convolution reads it, but in this network
 * every channel can have its own for nothing: the operations beside it absorb them, exactly.
 * Channels that are concatenated come from a convolution, whose weights have a scale for each
 * output channel, and go to scales and shifts by channel; so each takes its whole range, from the
 * least to the greatest value seen, and all concatenated integers mean the same. Channels between a
 * ReLU and a convolution go to weights that share one scale for all input channels; so the unit is
 * the square root of range ÷ greatest weight, which makes neither the values' rounding nor the
 * weights' the greater evil (Nagel et al., "Data-Free Quantization Through Weight Equalization and
 * Bias Correction", 2019). The input of the network is left as it is, in steps of an integer whose
 * zero is the padding.
 */
final class IntegerUnits {
  private static final int GREATEST = 255;

  /** A channel that hardly moves is given this part of the value's widest range. */
  private static final double NARROWEST = 1e-3;

  private final Calibration calibration;
  private final Map<String, Node> readers = new HashMap<>();
  private final Map<String, Units> units = new HashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final SequencedMap<String, Quantized> quantized = new LinkedHashMap<>();

  /** Real value = unit × stored value + shift, for each channel. */
  record Units(double[] unit, double[] shift) {
    static Units real(int channels) {
      double[] unit = new double[channels];
      Arrays.fill(unit, 1);
      return new Units(unit, new double[channels]);
    }

    Units and(Units other) {
      return new Units(joined(unit, other.unit), joined(shift, other.shift));
    }

    private static double[] joined(double[] a, double[] b) {
      double[] both = Arrays.copyOf(a, a.length + b.length);
      System.arraycopy(b, 0, both, a.length, b.length);
      return both;
    }
  }

  /**
   * A value that becomes integers.
   *
   * @param part what of the network stays float32 with it: a convolution's name if it is that one's
   *     input, the name and {@code .output} if it is concatenated
   */
  record Quantized(String part, ValueQuantizer quantizer) {}

  IntegerUnits(Calibration calibration) {
    this.calibration = calibration;
    List<Node> real = calibration.network().nodes();
    for (Node node : real) {
      // Where several read a value, the first is the one that comes directly behind it.
      node.inputs().forEach(input -> readers.putIfAbsent(input, node));
    }
    units.put(FoldedNetwork.INPUT, Units.real(DenseNetSpec.INPUT_CHANNELS));
    Node first = Objects.requireNonNull(readers.get(FoldedNetwork.INPUT));
    quantized.put(FoldedNetwork.INPUT, new Quantized(first.name(), input()));
    real.forEach(this::add);
  }

  /** The network in these units; it computes the same. */
  FoldedNetwork network() {
    return new FoldedNetwork(calibration.network().spec(), nodes);
  }

  /** The values that become integers, in order. */
  SequencedMap<String, Quantized> quantized() {
    return quantized;
  }

  /** The unit of each channel of a value. */
  double[] unit(String value) {
    return Objects.requireNonNull(units.get(value), value).unit();
  }

  private ValueQuantizer input() {
    ChannelStatistics seen = calibration.of(FoldedNetwork.INPUT);
    double least = Math.min(0, Arrays.stream(seen.least()).min().orElseThrow());
    double greatest = Math.max(0, Arrays.stream(seen.greatest()).max().orElseThrow());
    if (greatest <= least) {
      return new ValueQuantizer(1, 0);
    }
    int zero = (int) Math.rint(GREATEST * -least / (greatest - least));
    double step =
        Math.max(
            zero == 0 ? 0 : -least / zero, zero == GREATEST ? 0 : greatest / (GREATEST - zero));
    return new ValueQuantizer(step, zero);
  }

  private void add(Node node) {
    switch (node) {
      case Convolution c -> {
        Units out = convolved(c);
        put(converted(c, unit(c.input()), out), out);
      }
      case ScaleShift s -> {
        Units in = Objects.requireNonNull(units.get(s.input()));
        Units out = activated(s);
        double[] scale = s.scale().clone();
        double[] shift = s.shift().clone();
        for (int c = 0; c < scale.length; c++) {
          shift[c] = (scale[c] * in.shift[c] + shift[c]) / out.unit[c];
          scale[c] *= in.unit[c] / out.unit[c];
        }
        put(new ScaleShift(s.name(), s.input(), scale, shift), out);
      }
      case Concatenation c ->
          put(
              c,
              Objects.requireNonNull(units.get(c.first()))
                  .and(Objects.requireNonNull(units.get(c.second()))));
      case Linear l -> put(l, Units.real(l.out()));
      case Plain p -> put(p, Objects.requireNonNull(units.get(p.input())));
    }
  }

  private void put(Node node, Units out) {
    nodes.add(node);
    units.put(node.name(), out);
  }

  private static Convolution converted(Convolution c, double[] in, Units out) {
    int taps = c.taps();
    double[] weights = c.weights().clone();
    double[] bias = c.bias().clone();
    for (int o = 0; o < c.out(); o++) {
      for (int i = 0; i < c.filterSize(); i++) {
        weights[o * c.filterSize() + i] *= in[i / taps] / out.unit[o];
      }
      bias[o] = (bias[o] - out.shift[o]) / out.unit[o];
    }
    return c.with(weights, bias);
  }

  private Units convolved(Convolution c) {
    if (readers.get(c.name()) instanceof Plain relu) {
      return readers.get(relu.name()) instanceof Convolution reader
          ? shared(relu.name(), reader)
          : whole(c, relu.name());
    }
    return whole(c, c.name());
  }

  /** The units of a scale and shift and of what follows until a convolution reads it. */
  private Units activated(ScaleShift s) {
    String value = s.name();
    List<String> pooled = new ArrayList<>();
    @Nullable Node next = readers.get(value);
    while (next instanceof Plain p) {
      if (p.kind() == Kind.AVERAGE_POOL) {
        pooled.add(value);
      }
      value = p.name();
      next = readers.get(value);
    }
    if (!(next instanceof Convolution reader)) {
      return Units.real(s.scale().length);
    }
    // A pool over integers is fast, and its result needs no other range.
    pooled.forEach(v -> quantized.put(v, new Quantized(reader.name(), ValueQuantizer.UNITS)));
    return shared(value, reader);
  }

  private Units whole(Convolution made, String value) {
    ChannelStatistics seen = calibration.of(value);
    boolean positive = !value.equals(made.name());
    double[] shift = positive ? new double[seen.channels()] : seen.least().clone();
    double[] unit = new double[shift.length];
    for (int c = 0; c < unit.length; c++) {
      unit[c] = seen.greatest()[c] - shift[c];
    }
    widen(unit);
    for (int c = 0; c < unit.length; c++) {
      unit[c] /= GREATEST;
    }
    quantized.put(value, new Quantized(made.name() + Quantizer.OUTPUT, ValueQuantizer.UNITS));
    return new Units(unit, shift);
  }

  private Units shared(String value, Convolution reader) {
    double[] range = calibration.of(value).greatest().clone();
    double[] strength = new double[range.length];
    double[] weights = reader.weights();
    for (int i = 0; i < weights.length; i++) {
      int channel = i % reader.filterSize() / reader.taps();
      strength[channel] = Math.max(strength[channel], Math.abs(weights[i]));
    }
    widen(range);
    widen(strength);
    double[] unit = new double[range.length];
    double widest = 0;
    for (int c = 0; c < unit.length; c++) {
      unit[c] = Math.sqrt(range[c] / strength[c]);
      widest = Math.max(widest, range[c] / unit[c]);
    }
    for (int c = 0; c < unit.length; c++) {
      unit[c] *= widest / GREATEST;
    }
    quantized.put(value, new Quantized(reader.name(), ValueQuantizer.UNITS));
    return new Units(unit, new double[unit.length]);
  }

  /** Keeps what is hardly there from being divided by next to nothing. */
  private static void widen(double[] values) {
    double least = Math.max(NARROWEST * Arrays.stream(values).max().orElse(0), 1e-12);
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.max(values[i], least);
    }
  }
}
