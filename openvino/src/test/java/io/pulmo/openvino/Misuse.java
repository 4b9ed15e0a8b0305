package io.pulmo.openvino;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Calls that are all wrong, drawn at random: each must end in an exception, and the process live
 * on.
 *
 * <p>Arguments: a folder to work in, how many calls, the seed.
 */
final class Misuse {
  private static final int SIDE = 8;

  /** A wrong call; what it returns is as wrong as if it returned nothing. */
  @FunctionalInterface
  private interface Call {
    void run() throws Exception;
  }

  private final Random random;
  private final Path folder;
  private final Path file;
  private final Map<String, Call> calls = new LinkedHashMap<>();

  private Misuse(Path folder, long seed) throws IOException {
    this.folder = folder;
    this.random = new Random(seed);
    this.file = TestModels.convolutionIn(folder, SIDE);
  }

  public static void main(String[] arguments) throws IOException {
    int count = Integer.parseInt(arguments[1]);
    Misuse misuse = new Misuse(Path.of(arguments[0]), Long.parseLong(arguments[2]));
    try (Core core = Core.create()) {
      misuse.collect(core);
      misuse.run(count);
      // What is used well works as before.
      try (CompiledModel compiled = misuse.compiled(core);
          InferRequest request = compiled.createInferRequest()) {
        request.inputTensor(0);
        request.infer();
      }
    }
    System.out.println("survived " + count + " wrong calls of " + misuse.calls.size() + " kinds");
  }

  private void run(int count) {
    List<String> names = List.copyOf(calls.keySet());
    Map<String, Integer> thrown = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      String name = names.get(random.nextInt(names.size()));
      Call call = calls.get(name);
      if (call == null) {
        throw new IllegalStateException(name);
      }
      boolean returned = false;
      try {
        call.run();
        returned = true;
      } catch (Exception e) {
        if (e.getMessage() == null && !(e instanceof NullPointerException)) {
          throw new AssertionError(name + " says nothing", e);
        }
        thrown.merge(e.getClass().getSimpleName(), 1, Integer::sum);
      }
      if (returned) {
        throw new AssertionError(name + " was taken");
      }
    }
    System.out.println(thrown);
  }

  private void collect(Core core) throws IOException {
    files(core);
    properties(core);
    shapes(core);
    closed(core);
    order(core);
  }

  private void files(Core core) throws IOException {
    Path exported = folder.resolve("exported");
    try (CompiledModel compiled = compiled(core)) {
      compiled.exportTo(exported);
    }
    byte[] blob = Files.readAllBytes(exported);
    byte[] model = Files.readAllBytes(file);
    calls.put("missing model", () -> core.readModel(folder.resolve(word() + ".onnx")));
    calls.put("missing weights", () -> core.readModel(file, folder.resolve(word() + ".bin")));
    calls.put("folder as model", () -> core.readModel(folder));
    calls.put("empty path", () -> core.readModel(Path.of("")));
    calls.put("random file", () -> core.readModel(written("." + suffix(), bytes(1, 4000))));
    calls.put("random bytes", () -> core.readModel(bytes(1, 4000)));
    calls.put("no bytes", () -> core.readModel(new byte[0]));
    calls.put(
        "model cut short",
        () -> core.readModel(Arrays.copyOf(model, random.nextInt(model.length / 2))));
    calls.put(
        "weights cut short",
        () -> {
          try (Tensor weights =
              Tensor.allocate(ElementType.U8, 1 + random.nextInt(TestModels.CHANNELS * 27 * 4))) {
            core.readModel(model, weights);
          }
        });
    calls.put(
        "weights of floats",
        () -> {
          try (Tensor weights = Tensor.allocate(ElementType.F32, 1_000)) {
            core.readModel(model, weights);
          }
        });
    calls.put("compile missing file", () -> core.compile(folder.resolve(word()), "CPU", Map.of()));
    calls.put("import missing file", () -> core.importModel(folder.resolve(word()), "CPU"));
    calls.put("import random bytes", () -> core.importModel(bytes(1, 4000), "CPU"));
    calls.put(
        "import cut short",
        () -> core.importModel(Arrays.copyOf(blob, 1 + random.nextInt(blob.length / 2)), "CPU"));
    calls.put("import for no device", () -> core.importModel(blob, word()));
    calls.put("import nothing", () -> core.importModel(new byte[0], "CPU"));
    calls.put(
        "export into nowhere",
        () -> {
          try (CompiledModel compiled = compiled(core)) {
            compiled.exportTo(folder.resolve(word()).resolve("blob"));
          }
        });
  }

  private void properties(Core core) {
    calls.put("wrong property", () -> core.property("CPU", word()));
    calls.put("property of no device", () -> core.property(word(), "FULL_DEVICE_NAME"));
    calls.put("setting a wrong property", () -> core.setProperty("CPU", word(), "1"));
    calls.put(
        "setting a wrong value", () -> core.setProperty("CPU", "INFERENCE_NUM_THREADS", word()));
    calls.put("text with NUL", () -> core.property("CPU", "A\0" + word()));
    calls.put(
        "pointer property", () -> core.setProperty("CPU", "CACHE_ENCRYPTION_CALLBACKS", word()));
    calls.put("version of no device", () -> core.versions(word()));
    calls.put("compile for no device", () -> core.compile(file, word(), Map.of()));
    calls.put("compile for no name", () -> core.compile(file, "HETERO:" + word(), Map.of()));
    calls.put("compile with wrong property", () -> core.compile(file, "CPU", Map.of(word(), "1")));
    calls.put(
        "compile with wrong value",
        () -> core.compile(file, "CPU", Map.of("PERFORMANCE_HINT", word())));
    calls.put(
        "compile with pointer property",
        () -> core.compile(file, "CPU", Map.of("CACHE_ENCRYPTION_CALLBACKS", word())));
  }

  private void shapes(Core core) {
    calls.put("reshape to nonsense", () -> withModel(core, model -> model.reshape(shape())));
    calls.put("reshape to zero", () -> withModel(core, model -> model.reshape(1, 3, 0, SIDE)));
    calls.put(
        "reshape no such input",
        () -> withModel(core, model -> model.reshape(Map.of(word(), PartialShape.of(1)))));
    calls.put(
        "reshape without rank",
        () -> withModel(core, model -> model.reshape(List.of(PartialShape.ANY))));
    calls.put("no such port", () -> withModel(core, model -> model.input(word())));
    calls.put(
        "means without layout",
        () ->
            withModel(
                core,
                model -> {
                  PrePostProcessor graph = new PrePostProcessor(model);
                  graph.input(0).mean(new float[4 + random.nextInt(5)]);
                  graph.build();
                }));
    calls.put(
        "nonsense layout",
        () ->
            withModel(
                core,
                model -> {
                  PrePostProcessor graph = new PrePostProcessor(model);
                  graph.input(0).layout("?" + word() + "!");
                  graph.build();
                }));
    calls.put(
        "huge tensor", () -> Tensor.allocate(ElementType.F32, 1L << (40 + random.nextInt(20))));
    calls.put("tensor of OTHER", () -> Tensor.allocate(ElementType.OTHER, 1));
    calls.put("tensor of zero", () -> Tensor.allocate(ElementType.U8, 1, -random.nextInt(9)));
    calls.put(
        "tensor over the heap",
        () -> Tensor.over(ElementType.U8, MemorySegment.ofArray(new byte[9]), 9));
    calls.put(
        "tensor over too little",
        () -> {
          try (Arena arena = Arena.ofConfined()) {
            Tensor.over(ElementType.I64, arena.allocate(1 + random.nextInt(70), 8), 3, 3);
          }
        });
    calls.put(
        "tensor over closed memory",
        () -> {
          Arena arena = Arena.ofShared();
          MemorySegment memory = arena.allocate(64, 64);
          arena.close();
          Tensor.over(ElementType.F32, memory, 16);
        });
    calls.put(
        "write beyond the end",
        () -> {
          try (Tensor tensor = Tensor.allocate(ElementType.F32, 8)) {
            tensor.write(random.nextInt(8) + 1, new float[8], 0, 8);
          }
        });
    calls.put(
        "write bytes to floats",
        () -> {
          try (Tensor tensor = Tensor.allocate(ElementType.F32, 8)) {
            tensor.write(0, new byte[8], 0, 8);
          }
        });
    calls.put(
        "input of a wrong shape",
        () ->
            withRequest(
                core,
                request -> {
                  try (Tensor tensor = Tensor.allocate(ElementType.F32, shape())) {
                    request.setInput(tensor);
                  }
                }));
    calls.put(
        "output of a wrong type",
        () ->
            withRequest(
                core,
                request -> {
                  ElementType[] wrong = {ElementType.I64, ElementType.U8, ElementType.F16};
                  try (Tensor tensor =
                      Tensor.allocate(
                          wrong[random.nextInt(wrong.length)], 1, TestModels.CHANNELS, 1, 1)) {
                    request.setOutput(tensor);
                  }
                }));
    calls.put("no such output", () -> withRequest(core, r -> r.output(1 + random.nextInt(9))));
    calls.put(
        "negative input", () -> withRequest(core, r -> r.inputTensor(-1 - random.nextInt(9))));
  }

  private void closed(Core core) throws IOException {
    Core gone = Core.create();
    Model model = core.readModel(file);
    CompiledModel compiled = compiled(core);
    InferRequest request = compiled.createInferRequest();
    Tensor tensor = Tensor.allocate(ElementType.F32, 1, 3, SIDE, SIDE);
    for (int twice = 0; twice < 2; twice++) {
      request.close();
      compiled.close();
      model.close();
      gone.close();
      tensor.close();
    }
    calls.put("closed core: devices", gone::availableDevices);
    calls.put("closed core: read", () -> gone.readModel(file));
    calls.put("closed core: compile", () -> gone.compile(file, "CPU", Map.of()));
    calls.put("closed core: version", gone::version);
    calls.put("closed model: ports", model::inputs);
    calls.put("closed model: reshape", () -> model.reshape(1, 3, SIDE, SIDE));
    calls.put("closed model: compile", () -> core.compile(model, "CPU", Map.of()));
    calls.put("closed model: build", () -> new PrePostProcessor(model).build());
    calls.put("closed compiled: request", compiled::createInferRequest);
    calls.put("closed compiled: property", () -> compiled.property("NUM_STREAMS"));
    calls.put("closed compiled: ports", compiled::outputs);
    calls.put("closed compiled: export", () -> compiled.exportTo(folder.resolve("x")));
    calls.put("closed request: infer", request::infer);
    calls.put("closed request: start", request::startAsync);
    calls.put("closed request: async", () -> request.inferAsync().join());
    calls.put("closed request: wait", () -> request.waitFor(Duration.ofMillis(1)));
    calls.put("closed request: cancel", request::cancel);
    calls.put("closed request: output", request::output);
    calls.put("closed request: copy", () -> request.copyOutput(0));
    calls.put("closed request: input", () -> request.inputTensor(0));
    calls.put("closed request: profile", request::profiling);
    calls.put("closed tensor: write", () -> tensor.write(0, new float[1], 0, 1));
    calls.put("closed tensor: segment", tensor::segment);
    calls.put("closed tensor: input", () -> withRequest(core, r -> r.setInput(tensor)));
  }

  private void order(Core core) {
    calls.put("infer without input", () -> withRequest(core, InferRequest::infer));
    calls.put("output before infer", () -> withRequest(core, InferRequest::output));
    calls.put("wait before start", () -> withRequest(core, r -> r.waitFor(Duration.ZERO)));
    calls.put(
        "profile without counting",
        () ->
            withRequest(
                core,
                r -> {
                  r.inputTensor(0);
                  r.infer();
                  r.profiling();
                }));
    calls.put(
        "twice at once",
        () ->
            withRequest(
                core,
                r -> {
                  r.inputTensor(0);
                  r.startAsync();
                  r.startAsync();
                }));
  }

  @FunctionalInterface
  private interface Use<T> {
    void of(T it) throws Exception;
  }

  private void withModel(Core core, Use<Model> use) throws Exception {
    try (Model model = core.readModel(file)) {
      use.of(model);
    }
  }

  private void withRequest(Core core, Use<InferRequest> use) throws Exception {
    try (CompiledModel compiled = compiled(core);
        InferRequest request = compiled.createInferRequest()) {
      use.of(request);
    }
  }

  private CompiledModel compiled(Core core) {
    try (Model model = core.readModel(file)) {
      model.reshape(1, 3, SIDE, SIDE);
      return core.compile(model, "CPU", Map.of("INFERENCE_PRECISION_HINT", "f32"));
    }
  }

  /** Never a shape that the model takes: its channels are three, its sides {@link #SIDE}. */
  private long[] shape() {
    long[] shape = new long[1 + random.nextInt(6)];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = 1L + random.nextInt(9);
    }
    if (shape.length == 4) {
      shape[1] = 4;
    }
    return shape;
  }

  private String word() {
    StringBuilder word = new StringBuilder("Z");
    for (int i = random.nextInt(12); i >= 0; i--) {
      word.append((char) ('A' + random.nextInt(26)));
    }
    return word.toString();
  }

  private String suffix() {
    return List.of("xml", "onnx", "blob").get(random.nextInt(3));
  }

  private byte[] bytes(int least, int most) {
    byte[] bytes = new byte[least + random.nextInt(most - least)];
    random.nextBytes(bytes);
    return bytes;
  }

  private Path written(String suffix, byte[] bytes) throws IOException {
    return Files.write(folder.resolve("random" + suffix), bytes);
  }
}
