package io.pulmo.openvino;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * OpenVINO's runtime: it reads models and compiles them for a device.
 *
 * <p>Safe for use by several threads. A native call pins a virtual thread to its carrier: run
 * inference on a bounded pool of platform threads.
 *
 * <p>Devices go by OpenVINO's names: {@code CPU}, {@code GPU.0}, {@code AUTO}, {@code
 * HETERO:GPU,CPU}, {@code MULTI:...}. What is there is up to the machine and the plugins beside the
 * runtime; a device that is not is an {@link OpenVinoException}.
 *
 * <p>Every native object, this one as well, is freed once it is closed and nothing made from it
 * needs it any more: close in any order, twice if need be. Using one that is closed is an {@link
 * IllegalStateException}. One that is never closed is freed when it is garbage-collected, with a
 * warning.
 */
public final class Core implements AutoCloseable {
  private final OpenVinoNative openVino;
  private final Handle handle;

  private Core(OpenVinoNative openVino) {
    this.openVino = openVino;
    this.handle = new Handle("Core", openVino.cores.create(), openVino.cores::free);
    handle.watch(this);
  }

  /**
   * Loads the runtime on first use and starts it.
   *
   * @throws OpenVinoNotFoundException if there is none; the message says how to get it
   * @throws OpenVinoException if it does not start
   */
  public static Core create() {
    return new Core(OpenVinoNative.loaded());
  }

  /** The runtime's own version, such as {@code 2026.4.1-22982-...}. */
  public String version() {
    return handle.use(core -> openVino.version());
  }

  /**
   * The versions of the plugins behind a device: one for {@code CPU}, several for {@code
   * HETERO:GPU,CPU}.
   *
   * @throws OpenVinoException if there is no such plugin
   */
  public List<PluginVersion> versions(String device) {
    return handle.use(core -> openVino.cores.versions(core, device));
  }

  /** The devices it can compile for, such as {@code CPU}. */
  public List<String> availableDevices() {
    return handle.use(openVino.cores::availableDevices);
  }

  /**
   * A property of a device, such as {@code FULL_DEVICE_NAME}.
   *
   * @throws OpenVinoException if there is no such device or property
   */
  public String property(String device, String key) {
    return handle.use(core -> openVino.cores.property(core, device, key));
  }

  /**
   * Sets what models compiled for a device from now on get, unless compiling says otherwise.
   *
   * @throws OpenVinoException if there is no such device or property, or it does not take the value
   * @throws IllegalArgumentException for {@code CACHE_ENCRYPTION_CALLBACKS}, which is no string
   */
  public void setProperty(String device, String key, String value) {
    handle.run(core -> openVino.cores.setProperty(core, device, key, value));
  }

  /**
   * Sets a property of the runtime or of all its devices, such as {@code CACHE_DIR}: a folder in
   * which compiled models are kept, so that compiling one again, in this process or another, takes
   * less time. It throws as {@link #setProperty(String, String, String)} does.
   */
  public void setProperty(String key, String value) {
    handle.run(core -> openVino.cores.setProperty(core, null, key, value));
  }

  /**
   * Reads a model in ONNX or in OpenVINO's own format, whose weights are in the file of the same
   * name that ends in {@code .bin}.
   *
   * @throws OpenVinoException if the file is missing or is no model
   */
  public Model readModel(Path file) {
    return model(core -> openVino.cores.read(core, file.toString(), null));
  }

  /**
   * As {@link #readModel(Path)}, for OpenVINO's own format with the weights in a file of any name.
   */
  public Model readModel(Path file, Path weights) {
    return model(core -> openVino.cores.read(core, file.toString(), weights.toString()));
  }

  /**
   * Reads a model from memory: ONNX, or OpenVINO's own format if it has no weights.
   *
   * @param model the file's bytes; copied
   * @throws OpenVinoException if they are no model
   */
  public Model readModel(byte[] model) {
    requireBytes(model.length, "a model");
    return model(core -> openVino.cores.read(core, model, MemorySegment.NULL));
  }

  /**
   * Reads a model in OpenVINO's own format from memory.
   *
   * @param model the bytes of the {@code .xml} file; copied
   * @param weights the bytes of the {@code .bin} file as U8 in one dimension. Not copied: the model
   *     and all that is compiled from it read them where they are and keep the tensor alive, closed
   *     or not. They must not change.
   * @throws OpenVinoException if they are no model
   */
  public Model readModel(byte[] model, Tensor weights) {
    requireBytes(model.length, "a model");
    if (weights.type() != ElementType.U8) {
      throw new IllegalArgumentException(
          "weights are " + weights.type() + ", expected U8: they are the bytes of a file");
    }
    return handle.use(
        core ->
            weights
                .handle()
                .use(
                    tensor -> {
                      weights.requireAlive();
                      return new Model(
                          openVino, handle, openVino.cores.read(core, model, tensor), weights);
                    }));
  }

  private Model model(Function<MemorySegment, MemorySegment> read) {
    return handle.use(core -> new Model(openVino, handle, read.apply(core), null));
  }

  /**
   * Compiles a model for a device.
   *
   * @param properties OpenVINO's, such as {@code INFERENCE_PRECISION_HINT} = {@code f32}; without
   *     that one a processor with bfloat16 computes in bfloat16
   * @throws OpenVinoException if the device is unknown, a property is refused or the model does not
   *     compile
   */
  public CompiledModel compile(Model model, String device, Map<String, String> properties) {
    Map<String, String> fixed = Map.copyOf(properties);
    model.requireAlive();
    // Made while the model is in use, and so while its weights are there.
    return handle.use(
        core ->
            model.use(
                m ->
                    new CompiledModel(
                        openVino,
                        openVino.cores.compile(core, m, device, fixed),
                        model.neededWith(handle))));
  }

  /**
   * Reads and compiles a model in one step. With a {@code CACHE_DIR} that has it, the file is not
   * even parsed, so this is the fastest way to start. Shapes are as the file says.
   *
   * @throws OpenVinoException as {@link #readModel(Path)} and {@link #compile(Model, String, Map)}
   */
  public CompiledModel compile(Path file, String device, Map<String, String> properties) {
    Map<String, String> fixed = Map.copyOf(properties);
    return handle.use(
        core ->
            new CompiledModel(
                openVino,
                openVino.cores.compileFile(core, file.toString(), device, fixed),
                handle));
  }

  /**
   * Takes back what {@link CompiledModel#exportTo} wrote, without compiling.
   *
   * <p>The bytes are for one release of OpenVINO and are trusted: import only what you exported
   * yourself. A file that is cut short or changed may be refused, or compute something else.
   *
   * @param device the kind of device that it was compiled for
   * @throws UncheckedIOException if the file cannot be read
   * @throws OpenVinoException if OpenVINO refuses it
   */
  public CompiledModel importModel(Path file, String device) {
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      requireBytes(channel.size(), file.toString());
      MemorySegment content = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      return imported(content, file.toString(), device);
    } catch (IOException e) {
      throw new UncheckedIOException("importing " + file + ": " + e, e);
    }
  }

  /** As {@link #importModel(Path, String)}, from memory; the bytes are copied. */
  public CompiledModel importModel(byte[] content, String device) {
    requireBytes(content.length, "an exported model");
    try (Arena arena = Arena.ofConfined()) {
      return imported(
          arena.allocateFrom(ValueLayout.JAVA_BYTE, content), "an exported model", device);
    }
  }

  private CompiledModel imported(MemorySegment content, String what, String device) {
    return handle.use(
        core ->
            new CompiledModel(
                openVino, openVino.cores.importModel(core, content, what, device), handle));
  }

  private static void requireBytes(long size, String what) {
    if (size == 0) {
      throw new IllegalArgumentException(what + " has no bytes, expected some");
    }
  }

  /** Frees the runtime once all that was made from it is closed as well. */
  @Override
  public void close() {
    handle.close();
  }
}
