package io.pulmo.openvino;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.function.Consumer;

/** The C functions that put work before and behind a model into its graph. */
final class PreprocessFunctions {
  private final NativeLibrary c;
  private final TensorFunctions tensors;
  private final Made processor;
  private final Made inputInfo;
  private final Made inputTensor;
  private final Made inputModel;
  private final Made steps;
  private final Made outputInfo;
  private final Made outputTensor;
  private final Made layout;
  private final MethodHandle inputType;
  private final MethodHandle inputLayout;
  private final MethodHandle modelLayout;
  private final MethodHandle convert;
  private final MethodHandle mean;
  private final MethodHandle scale;
  private final MethodHandle outputType;
  private final MethodHandle build;
  private final MethodHandle modelFree;

  /** A function that makes an object and the one that frees it. */
  private record Made(String what, MethodHandle make, MethodHandle free) {}

  PreprocessFunctions(NativeLibrary c, TensorFunctions tensors) {
    this.c = c;
    this.tensors = tensors;
    String prefix = "ov_preprocess_";
    processor = made(prefix + "prepostprocessor_create", prefix + "prepostprocessor_free", false);
    inputInfo =
        made(prefix + "prepostprocessor_get_input_info_by_index", prefix + "input_info_free", true);
    inputTensor =
        made(prefix + "input_info_get_tensor_info", prefix + "input_tensor_info_free", false);
    inputModel =
        made(prefix + "input_info_get_model_info", prefix + "input_model_info_free", false);
    steps =
        made(prefix + "input_info_get_preprocess_steps", prefix + "preprocess_steps_free", false);
    outputInfo =
        made(
            prefix + "prepostprocessor_get_output_info_by_index",
            prefix + "output_info_free",
            true);
    outputTensor =
        made(prefix + "output_info_get_tensor_info", prefix + "output_tensor_info_free", false);
    layout = made("ov_layout_create", "ov_layout_free", false);
    inputType = c.status(prefix + "input_tensor_info_set_element_type", ADDRESS, JAVA_INT);
    inputLayout = c.status(prefix + "input_tensor_info_set_layout", ADDRESS, ADDRESS);
    modelLayout = c.status(prefix + "input_model_info_set_layout", ADDRESS, ADDRESS);
    convert = c.status(prefix + "preprocess_steps_convert_element_type", ADDRESS, JAVA_INT);
    mean = c.status(prefix + "preprocess_steps_mean_multi_channels", ADDRESS, ADDRESS, JAVA_INT);
    scale = c.status(prefix + "preprocess_steps_scale_multi_channels", ADDRESS, ADDRESS, JAVA_INT);
    outputType = c.status(prefix + "output_set_element_type", ADDRESS, JAVA_INT);
    build = c.status(prefix + "prepostprocessor_build", ADDRESS, ADDRESS);
    modelFree = c.nothing("ov_model_free", ADDRESS);
  }

  private Made made(String make, String free, boolean indexed) {
    return new Made(
        make,
        indexed ? c.status(make, ADDRESS, JAVA_LONG, ADDRESS) : c.status(make, ADDRESS, ADDRESS),
        c.nothing(free, ADDRESS));
  }

  /** Changes the model's graph in place. */
  void apply(
      MemorySegment model,
      List<PrePostProcessor.Input> inputs,
      List<PrePostProcessor.Output> outputs) {
    with(
        processor,
        model,
        one -> {
          inputs.forEach(input -> withAt(inputInfo, one, input.index, info -> input(info, input)));
          outputs.forEach(
              output -> withAt(outputInfo, one, output.index, info -> output(info, output)));
          // The model that it hands out is the one that it was given: one owner is enough.
          NativeLibrary.free(
              modelFree,
              c.made(
                  "building the pre-processing into a model",
                  (arena, out) -> (int) build.invokeExact(one, out)));
        });
  }

  private void input(MemorySegment info, PrePostProcessor.Input input) {
    with(
        inputTensor,
        info,
        tensor -> {
          if (input.elementType != null) {
            int number = tensors.number(input.elementType);
            c.check(
                "giving an input the type " + input.elementType,
                () -> (int) inputType.invokeExact(tensor, number));
          }
          if (input.layout != null) {
            withLayout(inputLayout, tensor, input.layout);
          }
        });
    if (input.modelLayout != null) {
      String text = input.modelLayout;
      with(inputModel, info, of -> withLayout(modelLayout, of, text));
    }
    with(steps, info, list -> input.steps.forEach(step -> step(list, step)));
  }

  private void step(MemorySegment list, PrePostProcessor.Step step) {
    switch (step) {
      case PrePostProcessor.Convert to -> {
        int number = tensors.number(to.type());
        c.check(
            "converting an input to " + to.type(), () -> (int) convert.invokeExact(list, number));
      }
      case PrePostProcessor.Mean by -> perChannel("subtracting means", mean, list, by.perChannel());
      case PrePostProcessor.Scale by ->
          perChannel("dividing by scales", scale, list, by.perChannel());
    }
  }

  private void perChannel(
      String action, MethodHandle function, MemorySegment list, List<Float> values) {
    try (Arena arena = Arena.ofConfined()) {
      int count = values.size();
      MemorySegment floats = arena.allocate(JAVA_FLOAT, count);
      for (int i = 0; i < count; i++) {
        floats.setAtIndex(JAVA_FLOAT, i, values.get(i));
      }
      c.check(action + " " + values, () -> (int) function.invokeExact(list, floats, count));
    }
  }

  private void output(MemorySegment info, PrePostProcessor.Output output) {
    if (output.elementType != null) {
      ElementType type = output.elementType;
      int number = tensors.number(type);
      with(
          outputTensor,
          info,
          tensor ->
              c.check(
                  "giving an output the type " + type,
                  () -> (int) outputType.invokeExact(tensor, number)));
    }
  }

  private void withLayout(MethodHandle function, MemorySegment of, String text) {
    try (Arena arena = Arena.ofConfined()) {
      with(
          layout,
          NativeLibrary.text(arena, text),
          made ->
              c.check(
                  "giving an input the layout " + text,
                  () -> (int) function.invokeExact(of, made)));
    }
  }

  private void with(Made maker, MemorySegment from, Consumer<MemorySegment> use) {
    using(
        maker,
        c.made(maker.what(), (arena, out) -> (int) maker.make().invokeExact(from, out)),
        use);
  }

  private void withAt(Made maker, MemorySegment from, long index, Consumer<MemorySegment> use) {
    using(
        maker,
        c.made(maker.what(), (arena, out) -> (int) maker.make().invokeExact(from, index, out)),
        use);
  }

  private static void using(Made maker, MemorySegment made, Consumer<MemorySegment> use) {
    try {
      use.accept(made);
    } finally {
      NativeLibrary.free(maker.free(), made);
    }
  }
}
