package io.pulmo.openvino;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * OpenVINO's runtime: it reads models and compiles them for a device.
 *
 * <p>Safe for use by several threads. A native call pins a virtual thread to its carrier: run
 * inference on a bounded pool of platform threads.
 */
public final class Core implements AutoCloseable {
  private final OpenVinoNative openVino;
  private final Handle handle;

  private Core(OpenVinoNative openVino) {
    this.openVino = openVino;
    this.handle = new Handle("Core", openVino.coreCreate(), openVino::coreFree);
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
    return openVino.version();
  }

  /** The devices it can compile for, such as {@code CPU}. */
  public List<String> availableDevices() {
    return handle.use(openVino::availableDevices);
  }

  /** A property of a device, such as {@code FULL_DEVICE_NAME}. */
  public String property(String device, String key) {
    return handle.use(core -> openVino.coreProperty(core, device, key));
  }

  /**
   * Reads a model in ONNX or in OpenVINO's own format.
   *
   * @throws OpenVinoException if the file is missing or is no model
   */
  public Model readModel(Path file) {
    return new Model(
        openVino, handle, handle.use(core -> openVino.readModel(core, file.toString())));
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
    return new CompiledModel(
        openVino,
        handle,
        handle.use(
            core ->
                model
                    .handle()
                    .use(m -> openVino.compile(core, m, device, Map.copyOf(properties)))));
  }

  /** Frees the runtime once all that was made from it is closed as well. */
  @Override
  public void close() {
    handle.close();
  }
}
