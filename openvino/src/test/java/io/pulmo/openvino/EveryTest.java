package io.pulmo.openvino;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The tests of the binding, run in this process: how another release of OpenVINO gets to see them.
 */
final class EveryTest {
  private EveryTest() {}

  /** Runs the test classes named. */
  public static void main(String[] names) throws Exception {
    int count = 0;
    for (String name : names) {
      Class<?> tests = Class.forName(name);
      for (Method method : tests.getDeclaredMethods()) {
        if (method.isAnnotationPresent(Test.class)) {
          run(tests, method);
          count++;
        }
      }
    }
    try (Core core = Core.create()) {
      System.out.println("passed " + count + " tests on " + core.version());
    }
  }

  private static void run(Class<?> tests, Method method) throws Exception {
    Object instance = tests.getDeclaredConstructor().newInstance();
    invoke(instance, BeforeEach.class);
    try {
      method.invoke(instance);
    } catch (InvocationTargetException e) {
      throw new AssertionError(tests.getSimpleName() + "." + method.getName(), e.getCause());
    } finally {
      invoke(instance, AfterEach.class);
    }
  }

  private static void invoke(
      Object instance, Class<? extends java.lang.annotation.Annotation> which) throws Exception {
    for (Method method : instance.getClass().getDeclaredMethods()) {
      if (method.isAnnotationPresent(which)) {
        List<Path> folders =
            method.getParameterCount() == 0
                ? List.of()
                : List.of(Files.createTempDirectory(Path.of(""), "test"));
        method.invoke(instance, folders.toArray());
      }
    }
  }
}
