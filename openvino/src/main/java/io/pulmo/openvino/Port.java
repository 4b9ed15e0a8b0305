package io.pulmo.openvino;

import java.util.List;

/**
 * An input or output of a model.
 *
 * @param index its place among the model's inputs or outputs, from 0
 * @param name one of its names; empty if the model's file gives it none
 * @param type what its tensor holds
 * @param shape its tensor's shape
 */
public record Port(int index, String name, ElementType type, PartialShape shape) {
  /**
   * The port of a list at an index.
   *
   * @param kind input or output, for the message
   */
  static Port at(List<Port> ports, String kind, int index) {
    if (index < 0 || index >= ports.size()) {
      throw new IndexOutOfBoundsException(
          kind + " " + index + " was asked for, but the model has these: " + ports);
    }
    return ports.get(index);
  }

  /** The only port of a list. */
  static Port only(List<Port> ports, String kind) {
    if (ports.size() != 1) {
      throw new IllegalStateException(
          "the model has "
              + ports.size()
              + " "
              + kind
              + "s, expected one: give an index or a name");
    }
    return ports.getFirst();
  }

  /**
   * The port of a list by the name that it has here.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Port named(List<Port> ports, String kind, String name) {
    return ports.stream()
        .filter(port -> !name.isEmpty() && port.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no " + kind + " '" + name + "', the model has these: " + ports));
  }

  void requireFixed(String kind) {
    if (!shape.isFixed()) {
      throw new IllegalArgumentException(
          describe(kind)
              + " has the shape "
              + shape
              + ", expected a fixed one: reshape the model, or "
              + (kind.equals("input") ? "set a tensor" : "use copyOutput"));
    }
  }

  /** Short, for messages: {@code input 1 (age)}. */
  String describe(String kind) {
    return kind + " " + index + (name.isEmpty() ? "" : " (" + name + ")");
  }
}
