package io.pulmo.openvino;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Many requests, then many compilations, with an eye on the process' memory; for any model with one
 * input.
 *
 * <pre>
 * java --enable-native-access=ALL-UNNAMED -Xms64m -Xmx64m -XX:+AlwaysPreTouch -XX:+UseSerialGC \
 *     -cp openvino/target/classes:openvino/target/test-classes io.pulmo.openvino.Soak \
 *     MODEL SHAPE [REQUESTS [CYCLES [LIMIT_PERCENT]]]
 * </pre>
 *
 * SHAPE is the input's, such as {@code 10,3,64,64}. The first quarter of each part is warm-up. Over
 * the rest a line is fitted to the resident memory by least squares; by how much it rises from its
 * first to its last sample, in percent of the mean, is the slope. Above the limit, the exit status
 * is 1. The heap's size is fixed above so that its growth is not taken for a leak.
 */
final class Soak {
  private static final int SAMPLES = 400;
  private static final double WARM_UP = 0.25;
  private static final Map<String, String> PROPERTIES =
      Map.of("INFERENCE_PRECISION_HINT", "f32", "PERFORMANCE_HINT", "THROUGHPUT");

  private Soak() {}

  public static void main(String[] arguments) throws IOException {
    Path file = Path.of(arguments[0]);
    long[] shape = Arrays.stream(arguments[1].split(",", -1)).mapToLong(Long::parseLong).toArray();
    int requests = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 10_000;
    int cycles = arguments.length > 3 ? Integer.parseInt(arguments[3]) : 300;
    double limitPercent = arguments.length > 4 ? Double.parseDouble(arguments[4]) : 1;
    boolean within;
    try (Core core = Core.create()) {
      System.out.println(core.version() + " " + file);
      within = report("requests", requests(core, file, shape, requests), limitPercent);
      within &= report("compile/close cycles", cycles(core, file, shape, cycles), limitPercent);
    }
    System.exit(within ? 0 : 1);
  }

  private static List<Double> requests(Core core, Path file, long[] shape, int count)
      throws IOException {
    List<Double> samples = new ArrayList<>();
    try (CompiledModel compiled = compiled(core, file, shape)) {
      List<InferRequest> requests = new ArrayList<>();
      for (int i = 0; i < compiled.optimalRequests(); i++) {
        requests.add(compiled.createInferRequest());
      }
      int rounds = Math.max(1, count / requests.size());
      int every = Math.max(1, rounds / SAMPLES);
      for (int round = 0; round < rounds; round++) {
        List<CompletableFuture<InferRequest>> running = new ArrayList<>();
        for (InferRequest request : requests) {
          request.inputTensor(0).segment().fill((byte) (round % 60));
          running.add(request.inferAsync());
        }
        for (CompletableFuture<InferRequest> each : running) {
          if (each.join().output(0).length == 0) {
            throw new AssertionError("an output without values");
          }
        }
        if (round % every == 0) {
          samples.add(residentMebibytes());
        }
      }
      requests.forEach(InferRequest::close);
    }
    return samples;
  }

  private static List<Double> cycles(Core core, Path file, long[] shape, int count)
      throws IOException {
    List<Double> samples = new ArrayList<>();
    for (int cycle = 0; cycle < count; cycle++) {
      try (CompiledModel compiled = compiled(core, file, shape);
          InferRequest request = compiled.createInferRequest()) {
        request.inputTensor(0);
        request.infer();
      }
      samples.add(residentMebibytes());
    }
    return samples;
  }

  private static CompiledModel compiled(Core core, Path file, long[] shape) {
    try (Model model = core.readModel(file)) {
      model.reshape(shape);
      return core.compile(model, "CPU", PROPERTIES);
    }
  }

  private static boolean report(String what, List<Double> all, double limitPercent) {
    List<Double> samples = all.subList((int) (all.size() * WARM_UP), all.size());
    double slopePercent = slopePercent(samples);
    System.out.printf(
        Locale.ROOT,
        "%s: resident %.1f MiB at first, %.1f after warm-up, %.1f at the end; slope %.2f %%%n",
        what,
        all.getFirst(),
        samples.getFirst(),
        samples.getLast(),
        slopePercent);
    return slopePercent <= limitPercent;
  }

  /** The rise of the line fitted to the samples, from the first to the last, by their mean. */
  static double slopePercent(List<Double> samples) {
    int n = samples.size();
    double meanX = (n - 1) / 2.0;
    double meanY = samples.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double covariance = 0;
    double variance = 0;
    for (int i = 0; i < n; i++) {
      covariance += (i - meanX) * (samples.get(i) - meanY);
      variance += (i - meanX) * (i - meanX);
    }
    return variance == 0 ? 0 : 100 * covariance / variance * (n - 1) / meanY;
  }

  private static double residentMebibytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    throw new IOException("/proc/self/status has no VmRSS");
  }
}
