package io.pulmo.openvino;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * A network as read from its file, not yet compiled.
 *
 * <p>Safe for use by several threads, one at a time: compiling excludes other calls, reshaping too.
 */
public final class Model implements AutoCloseable {
  private final OpenVinoNative openVino;
  private final Handle handle;
  private final @Nullable Tensor weights;

  /**
   * @param weights what the network reads its weights from, if that is memory of the caller's
   */
  Model(OpenVinoNative openVino, Handle core, MemorySegment pointer, @Nullable Tensor weights) {
    this.openVino = openVino;
    this.weights = weights;
    this.handle = new Handle("Model", pointer, openVino.models::free, neededWith(core));
    handle.watch(this);
  }

  /** What must outlive this and what is compiled from it. */
  Handle[] neededWith(Handle core) {
    return weights == null ? new Handle[] {core} : new Handle[] {core, weights.handle()};
  }

  void requireAlive() {
    if (weights != null) {
      weights.requireAlive();
    }
  }

  OpenVinoNative openVino() {
    return openVino;
  }

  /** Runs a call while no other uses the model. */
  synchronized <T> T use(Function<MemorySegment, T> call) {
    return handle.use(call);
  }

  /** The model's own name. */
  public String name() {
    return use(openVino.models::name);
  }

  /** The inputs, in order. */
  public List<Port> inputs() {
    return use(openVino.models::inputs);
  }

  /** The outputs, in order. */
  public List<Port> outputs() {
    return use(openVino.models::outputs);
  }

  /**
   * The input that goes by a name; one may have several.
   *
   * @throws OpenVinoException if none does
   */
  public Port input(String name) {
    return use(model -> openVino.models.input(model, name));
  }

  /** The output that goes by a name, likewise. */
  public Port output(String name) {
    return use(model -> openVino.models.output(model, name));
  }

  /**
   * Fixes the shape of the model's only input.
   *
   * @param shape every dimension a number; for crops: count, 3, side, side
   * @throws OpenVinoException if the network cannot take it
   * @throws IllegalStateException if the model has several inputs
   */
  public void reshape(long... shape) {
    NativeShapes.requireShape(shape);
    reshape(
        PartialShape.of(LongStream.of(shape).mapToObj(Dimension::of).toArray(Dimension[]::new)));
  }

  /**
   * Sets what shapes the model's only input may have. Fixed ones run fastest.
   *
   * @throws OpenVinoException if the network cannot take them
   * @throws IllegalStateException if the model has several inputs
   */
  public synchronized void reshape(PartialShape shape) {
    Port.only(inputs(), "input");
    reshape(List.of(0), List.of(shape));
  }

  /**
   * Sets what shapes the inputs may have.
   *
   * @param shapes one for each input, in order
   * @throws IllegalArgumentException if there are more or fewer
   * @throws OpenVinoException if the network cannot take them
   */
  public synchronized void reshape(List<PartialShape> shapes) {
    List<Port> inputs = inputs();
    if (shapes.size() != inputs.size()) {
      throw new IllegalArgumentException(
          shapes.size() + " shapes were given, expected one for each of " + inputs);
    }
    reshape(IntStream.range(0, shapes.size()).boxed().toList(), shapes);
  }

  /**
   * Sets what shapes some of the inputs may have.
   *
   * @param shapes by the names of the inputs; those left out stay as they are
   * @throws OpenVinoException if a name is unknown or the network cannot take a shape
   */
  public synchronized void reshape(Map<String, PartialShape> shapes) {
    if (shapes.isEmpty()) {
      throw new IllegalArgumentException("no shapes were given, expected at least one");
    }
    List<Integer> indexes = new ArrayList<>();
    List<PartialShape> ordered = new ArrayList<>();
    shapes.forEach(
        (name, shape) -> {
          indexes.add(input(name).index());
          ordered.add(shape);
        });
    reshape(indexes, ordered);
  }

  private void reshape(List<Integer> indexes, List<PartialShape> shapes) {
    handle.run(model -> openVino.models.reshape(model, indexes, shapes));
  }

  /** Frees the network; what was compiled from it lives on. */
  @Override
  public void close() {
    handle.close();
  }
}
