package io.pulmo.openvino;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Work before and behind a network that becomes part of its graph, so that the device does it,
 * fused with the first layers where it can.
 *
 * <p>Crops as bytes, normalized on the device:
 *
 * <pre>{@code
 * PrePostProcessor graph = new PrePostProcessor(model);
 * graph.input(0)
 *     .elementType(ElementType.U8).layout("NCHW").modelLayout("NCHW")
 *     .convert(ElementType.F32).mean(123.7f, 116.3f, 103.5f).scale(58.4f, 57.1f, 57.4f);
 * graph.build();
 * }</pre>
 *
 * <p>Nothing is told to OpenVINO before {@link #build}, so there is nothing to close. For one
 * thread at a time.
 */
public final class PrePostProcessor {
  /** One thing done to an input, in the order of the calls. */
  sealed interface Step {}

  record Convert(ElementType type) implements Step {}

  record Mean(List<Float> perChannel) implements Step {}

  record Scale(List<Float> perChannel) implements Step {}

  private final Model model;
  private final Map<Integer, Input> inputs = new TreeMap<>();
  private final Map<Integer, Output> outputs = new TreeMap<>();

  /** Begins for a model that is not compiled yet. */
  public PrePostProcessor(Model model) {
    this.model = model;
  }

  /**
   * An input's description; asked for again, the same.
   *
   * @throws IndexOutOfBoundsException if there is no such input
   */
  public Input input(int index) {
    return inputs.computeIfAbsent(
        Port.at(model.inputs(), "input", index).index(), i -> new Input(i));
  }

  /** The description of the input of that name. */
  public Input input(String name) {
    return input(model.input(name).index());
  }

  /**
   * An output's description; asked for again, the same.
   *
   * @throws IndexOutOfBoundsException if there is no such output
   */
  public Output output(int index) {
    return outputs.computeIfAbsent(
        Port.at(model.outputs(), "output", index).index(), i -> new Output(i));
  }

  /**
   * Changes the model in place. If OpenVINO refuses, read the model anew: what was done before
   * stays.
   *
   * @throws OpenVinoException if the steps do not fit the network, such as values per channel
   *     without a layout that says which dimension the channels are
   * @throws IllegalStateException if the model is closed
   */
  public void build() {
    model.use(
        pointer -> {
          model
              .openVino()
              .preprocess
              .apply(pointer, List.copyOf(inputs.values()), List.copyOf(outputs.values()));
          return pointer;
        });
  }

  /** What an input's tensor holds, and what happens to it before the network. */
  public static final class Input {
    final int index;
    final List<Step> steps = new ArrayList<>();
    @Nullable ElementType elementType;
    @Nullable String layout;
    @Nullable String modelLayout;

    private Input(int index) {
      this.index = index;
    }

    /** The kind of number that the tensor will hold; by default what the network takes. */
    public Input elementType(ElementType type) {
      elementType = requireSized(type);
      return this;
    }

    /**
     * What the tensor's dimensions are, such as {@code NHWC}. If it differs from {@link
     * #modelLayout}, the device reorders them.
     */
    public Input layout(String dimensions) {
      layout = dimensions;
      return this;
    }

    /** What the dimensions are in the network, such as {@code NCHW}. */
    public Input modelLayout(String dimensions) {
      modelLayout = dimensions;
      return this;
    }

    /** Next, converts the values. */
    public Input convert(ElementType type) {
      steps.add(new Convert(requireSized(type)));
      return this;
    }

    /** Next, subtracts from the values of each channel; they must be floats by then. */
    public Input mean(float... perChannel) {
      steps.add(new Mean(floats(perChannel)));
      return this;
    }

    /** Next, divides the values of each channel; they must be floats by then. */
    public Input scale(float... perChannel) {
      for (float divisor : perChannel) {
        if (divisor == 0) {
          throw new IllegalArgumentException("scale is 0, expected a number to divide by");
        }
      }
      steps.add(new Scale(floats(perChannel)));
      return this;
    }
  }

  /** What an output's tensor holds. */
  public static final class Output {
    final int index;
    @Nullable ElementType elementType;

    private Output(int index) {
      this.index = index;
    }

    /** The kind of number that the tensor will hold; by default what the network gives. */
    public Output elementType(ElementType type) {
      elementType = requireSized(type);
      return this;
    }
  }

  private static ElementType requireSized(ElementType type) {
    if (type == ElementType.OTHER) {
      throw new IllegalArgumentException("element type is OTHER, expected one with a size");
    }
    return type;
  }

  private static List<Float> floats(float[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values were given, expected one for each channel");
    }
    List<Float> list = new ArrayList<>();
    for (float value : values) {
      list.add(value);
    }
    return List.copyOf(list);
  }
}
