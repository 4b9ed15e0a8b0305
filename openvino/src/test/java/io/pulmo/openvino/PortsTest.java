package io.pulmo.openvino;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Several inputs and outputs, of several kinds, in memory of several owners. */
class PortsTest {
  private static final Map<String, String> FP32 = Map.of("INFERENCE_PRECISION_HINT", "f32");

  private Core core;

  @BeforeEach
  void start() {
    core = TestModels.coreOrSkip();
  }

  @AfterEach
  void stop() {
    if (core != null) {
      core.close();
    }
  }

  @Test
  void ports_twoInputsTwoOutputs_areDescribed() {
    try (Model model = read("f32", "FP32")) {
      assertEquals("test", model.name());
      assertEquals(
          List.of(
              new Port(0, "a", ElementType.F32, PartialShape.of(-1, 4)),
              new Port(1, "b", ElementType.F32, PartialShape.of(-1, 4))),
          model.inputs());
      assertEquals("product", model.outputs().get(1).name());
      assertEquals("[?,4]", model.outputs().getFirst().shape().toString());
      assertEquals(1, model.input("second").index());
      OpenVinoException e = assertThrows(OpenVinoException.class, () -> model.output("quotient"));
      assertTrue(e.toString().contains("quotient"), e.toString());
      assertThrows(IllegalStateException.class, () -> model.reshape(1, 4));
    }
  }

  @Test
  void reshape_byNameAndByOrder_isWhatPortsSay() {
    try (Model model = read("f32", "FP32")) {
      PartialShape few = PartialShape.of(new Dimension(1, 8), Dimension.of(4));
      model.reshape(Map.of("a", few, "second", few));
      assertEquals("[1..8,4]", model.inputs().get(1).shape().toString());
      assertEquals(few, model.outputs().getFirst().shape());
      model.reshape(List.of(PartialShape.of(2, 4), PartialShape.of(1, 4)));
      assertEquals(List.of(2L, 4L), model.outputs().getFirst().shape().lengths());
      assertThrows(
          IllegalArgumentException.class, () -> model.reshape(List.of(PartialShape.of(2, 4))));
      OpenVinoException e =
          assertThrows(
              OpenVinoException.class,
              () -> model.reshape(List.of(PartialShape.of(2, 4), PartialShape.of(3, 4))));
      assertTrue(e.toString().contains("reshaping inputs [0, 1]"), e.toString());
      assertThrows(
          IllegalArgumentException.class, () -> model.reshape(Map.of("a", PartialShape.ANY)));
    }
  }

  @Test
  void infer_namedInputsAndOutputs_computesBoth() {
    try (CompiledModel compiled = compiled("f32", "FP32", 2);
        InferRequest request = compiled.createInferRequest();
        Tensor a = floats(1, 2, 3, 4, 5, 6, 7, 8);
        Tensor b = floats(2, 2, 2, 2, 3, 3, 3, 3);
        Tensor product = Tensor.allocate(ElementType.F32, 2, 4)) {
      request.setInput("a", a);
      IllegalStateException e = assertThrows(IllegalStateException.class, request::infer);
      assertTrue(e.toString().contains("input 1 (b)"), e.toString());
      request.setInput(1, b);
      request.setOutput("product", product);
      request.infer();
      float[] products = {2, 4, 6, 8, 15, 18, 21, 24};
      assertArrayEquals(new float[] {3, 4, 5, 6, 8, 9, 10, 11}, request.output("sum"));
      assertArrayEquals(products, request.output(1));
      float[] written = new float[8];
      product.read(0, written, 0, 8);
      assertArrayEquals(products, written);
      assertSame(product, request.outputTensor(1));
      assertThrows(IllegalStateException.class, request::output);
      assertThrows(IllegalArgumentException.class, () -> request.setInput("c", a));
      assertThrows(IndexOutOfBoundsException.class, () -> request.output(2));
    }
  }

  @Test
  void tensorsOfTheRequest_unset_areMadeOnceAndClosedWithIt() {
    Tensor a;
    Tensor sum;
    try (CompiledModel compiled = compiled("f32", "FP32", 1);
        InferRequest request = compiled.createInferRequest()) {
      a = request.inputTensor(0);
      assertSame(a, request.inputTensor(0));
      a.write(0, new float[] {1, 2, 3, 4}, 0, 4);
      request.inputTensor(1).write(0, new float[] {1, 1, 1, 1}, 0, 4);
      sum = request.outputTensor(0);
      request.infer();
      assertEquals(5f, sum.segment().getAtIndex(ValueLayout.JAVA_FLOAT, 3));
    }
    assertThrows(IllegalStateException.class, a::segment);
    assertThrows(IllegalStateException.class, sum::segment);
  }

  @Test
  void infer_openShape_copiesWhatCameOut() {
    try (Model model = read("f32", "FP32");
        CompiledModel compiled = core.compile(model, "CPU", FP32);
        InferRequest request = compiled.createInferRequest()) {
      assertThrows(IllegalArgumentException.class, () -> request.inputTensor(0));
      for (int rows = 1; rows < 4; rows++) {
        try (Tensor a = Tensor.allocate(ElementType.F32, rows, 4);
            Tensor b = Tensor.allocate(ElementType.F32, rows, 4)) {
          assertThrows(IllegalArgumentException.class, () -> request.setOutput(0, a));
          request.setInput(0, a);
          request.setInput(1, b);
          request.infer();
          try (Tensor copy = request.copyOutput(0)) {
            assertEquals(List.of((long) rows, 4L), copy.shape());
          }
          assertEquals(rows * 4, request.output(0).length);
        }
      }
    }
  }

  @Test
  void infer_integers_areExact() {
    try (CompiledModel compiled = compiled("i64", "I64", 1);
        InferRequest request = compiled.createInferRequest();
        Tensor a = Tensor.allocate(ElementType.I64, 1, 4);
        Tensor b = Tensor.allocate(ElementType.I64, 1, 4)) {
      assertEquals(ElementType.I64, compiled.inputs().getFirst().type());
      a.write(0, new long[] {1, -2, 3, 40_000}, 0, 4);
      b.write(0, new long[] {5, 6, 7, 8}, 0, 4);
      request.setInput(0, a);
      request.setInput(1, b);
      request.infer();
      assertThrows(IllegalStateException.class, () -> request.output(0));
      try (Tensor sums = request.copyOutput(0)) {
        assertArrayEquals(
            new long[] {6, 4, 10, 40_008}, sums.segment().toArray(ValueLayout.JAVA_LONG));
      }
    }
  }

  @Test
  void infer_everySmallType_passesItsValues() {
    record Kind(String type, String precision, ElementType element) {}
    for (Kind kind :
        List.of(
            new Kind("i32", "I32", ElementType.I32),
            new Kind("i8", "I8", ElementType.I8),
            new Kind("u8", "U8", ElementType.U8),
            new Kind("f16", "FP16", ElementType.F16),
            new Kind("bf16", "BF16", ElementType.BF16))) {
      try (CompiledModel compiled = compiled(kind.type(), kind.precision(), 1);
          InferRequest request = compiled.createInferRequest()) {
        assertEquals(kind.element(), compiled.inputs().get(1).type());
        fill(request.inputTensor(0), 3);
        fill(request.inputTensor(1), 4);
        request.infer();
        try (Tensor sum = request.copyOutput(0)) {
          assertEquals(kind.element(), sum.type());
          assertEquals(7f, first(sum), kind.type());
        }
      }
    }
  }

  private static void fill(Tensor tensor, int value) {
    MemorySegment data = tensor.segment();
    for (int i = 0; i < tensor.size(); i++) {
      switch (tensor.type()) {
        case I32 -> tensor.write(i, new int[] {value}, 0, 1);
        case F16 -> data.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value));
        case BF16 ->
            data.setAtIndex(
                ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
        default -> tensor.write(i, new byte[] {(byte) value}, 0, 1);
      }
    }
  }

  private static float first(Tensor tensor) {
    MemorySegment data = tensor.segment();
    return switch (tensor.type()) {
      case I32 -> data.get(ValueLayout.JAVA_INT, 0);
      case F16 -> Float.float16ToFloat(data.get(ValueLayout.JAVA_SHORT, 0));
      case BF16 -> Float.intBitsToFloat(data.get(ValueLayout.JAVA_SHORT, 0) << 16);
      default -> data.get(ValueLayout.JAVA_BYTE, 0);
    };
  }

  @Test
  void over_callersMemory_isReadWhereItIs() {
    try (Arena arena = Arena.ofShared();
        CompiledModel compiled = compiled("f32", "FP32", 1)) {
      MemorySegment memory = arena.allocate(64, 64);
      MemorySegment result = arena.allocate(16, 64);
      try (Tensor a = Tensor.over(ElementType.F32, memory.asSlice(0, 16), 1, 4);
          Tensor b = Tensor.over(ElementType.F32, memory.asSlice(16), 1, 4);
          Tensor sum = Tensor.over(ElementType.F32, result, 1, 4);
          InferRequest request = compiled.createInferRequest()) {
        request.setInput(0, a);
        request.setInput(1, b);
        request.setOutput(0, sum);
        for (int round = 0; round < 3; round++) {
          memory.setAtIndex(ValueLayout.JAVA_FLOAT, 1, round);
          memory.setAtIndex(ValueLayout.JAVA_FLOAT, 5, 10);
          request.infer();
          assertEquals(10f + round, result.getAtIndex(ValueLayout.JAVA_FLOAT, 1));
        }
        assertEquals(memory.address(), a.segment().address());
      }
    }
  }

  @Test
  void over_unfitMemory_isRefused() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(64, 64);
      assertRefused(
          "heap", () -> Tensor.over(ElementType.F32, MemorySegment.ofArray(new float[4]), 4));
      assertRefused("64 bytes", () -> Tensor.over(ElementType.F32, memory, 17));
      assertRefused("multiple of 4", () -> Tensor.over(ElementType.F32, memory.asSlice(1), 4));
      assertRefused("at least 1", () -> Tensor.over(ElementType.F32, memory, 0));
      assertRefused("OTHER", () -> Tensor.over(ElementType.OTHER, memory, 1));
      assertRefused("2^63", () -> Tensor.allocate(ElementType.F32, Long.MAX_VALUE, 4));
      assertRefused("more than there are", () -> Tensor.allocate(ElementType.F32, 1L << 50));
    }
  }

  @Test
  void infer_memoryGone_isRefused() {
    try (CompiledModel compiled = compiled("f32", "FP32", 1);
        InferRequest request = compiled.createInferRequest()) {
      Arena arena = Arena.ofShared();
      Tensor over = Tensor.over(ElementType.F32, arena.allocate(16, 64), 1, 4);
      request.setInput(0, over);
      request.setInput(1, over);
      request.infer();
      arena.close();
      IllegalStateException e = assertThrows(IllegalStateException.class, request::infer);
      assertTrue(e.toString().contains("memory is gone"), e.toString());
      over.close();
    }
  }

  @Test
  void setOutput_readOnlyMemory_isRefused() {
    try (Arena arena = Arena.ofShared();
        CompiledModel compiled = compiled("f32", "FP32", 1);
        Tensor fixed = Tensor.over(ElementType.F32, arena.allocate(16, 64).asReadOnly(), 1, 4);
        InferRequest request = compiled.createInferRequest()) {
      request.setInput(0, fixed);
      assertRefused("read-only", () -> request.setOutput(0, fixed));
    }
  }

  private static void assertRefused(String why, org.junit.jupiter.api.function.Executable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
    assertTrue(e.toString().contains(why), e.toString());
  }

  private Model read(String type, String precision) {
    return core.readModel(
        TestModels.sumAndProduct(type, precision).getBytes(StandardCharsets.UTF_8));
  }

  private CompiledModel compiled(String type, String precision, int rows) {
    try (Model model = read(type, precision)) {
      model.reshape(List.of(PartialShape.of(rows, 4), PartialShape.of(rows, 4)));
      return core.compile(model, "CPU", FP32);
    }
  }

  private static Tensor floats(float... values) {
    Tensor tensor = Tensor.allocate(ElementType.F32, values.length / 4, 4);
    tensor.write(0, values, 0, values.length);
    return tensor;
  }
}
