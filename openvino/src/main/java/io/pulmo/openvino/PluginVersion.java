package io.pulmo.openvino;

/**
 * The version of the plugin that drives a device.
 *
 * @param device the device, such as {@code CPU}
 * @param build the plugin's build, such as {@code 2026.4.1-22982-...}
 * @param description the plugin's name of itself
 */
public record PluginVersion(String device, String build, String description) {}
