package io.pulmo.cli;

import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.net.DenseNet;
import io.pulmo.net.EngineUnavailableException;
import io.pulmo.openvino.OpenVinoException;
import io.pulmo.openvino.OpenVinoNatives;
import io.pulmo.openvino.OpenVinoNotFoundException;
import io.pulmo.serving.backend.Processor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
    name = "doctor",
    description = "Says what was found on this machine, what is missing, and how to mend it.")
final class DoctorCommand implements Callable<Integer> {
  /** One thing looked for; mend is empty where it was found. */
  private record Check(String what, String found, String mend) {}

  @Override
  public Integer call() {
    List<Check> checks = new ArrayList<>();
    checks.add(jdk());
    checks.add(openVino());
    checks.add(torch());
    checks.add(port("coordinator's port", CoordinatorOption.DEFAULT_PORT));
    checks.add(port("serving's port", ServeCommand.DEFAULT_PORT));
    boolean well = true;
    for (Check check : checks) {
      boolean found = check.mend().isEmpty();
      well &= found;
      System.out.printf("%-7s  %-18s  %s%n", found ? "ok" : "missing", check.what(), check.found());
      if (!found) {
        System.out.printf("%-7s  %-18s  mend: %s%n", "", "", check.mend());
      }
    }
    System.out.printf(
        "%-7s  %-18s  cpu, %d cores%n", "ok", "device", Runtime.getRuntime().availableProcessors());
    Processor processor = Processor.here();
    System.out.printf(
        "%-7s  %-18s  %s (%s): int8 with %s weights%n",
        "ok",
        "processor",
        processor.name(),
        String.join(" ", processor.tellingFlags()),
        processor.weightRange().label());
    return well ? ExitCode.DONE : ExitCode.ENVIRONMENT;
  }

  private static Check jdk() {
    // The launcher refuses an older one before this runs.
    return new Check("JDK", Runtime.version() + " in " + System.getProperty("java.home"), "");
  }

  private static Check openVino() {
    try {
      OpenVinoNatives.Found found = OpenVinoNatives.describe();
      return new Check("OpenVINO", found.version() + " in " + found.location().library(), "");
    } catch (OpenVinoNotFoundException missing) {
      return new Check(
          "OpenVINO",
          String.valueOf(missing.getMessage()),
          "any command that needs it fetches it: ./pulmo demo, or set PULMO_OPENVINO to the folder of libopenvino_c");
    } catch (OpenVinoException broken) {
      return new Check(
          "OpenVINO",
          String.valueOf(broken.getMessage()),
          "remove " + OpenVinoNatives.downloadFolder() + " and run ./pulmo demo");
    }
  }

  private static Check torch() {
    try {
      return new Check("PyTorch natives", DenseNet.engineVersion(), "");
    } catch (EngineUnavailableException missing) {
      return new Check(
          "PyTorch natives",
          String.valueOf(missing.getMessage()),
          "needed to train and for the mode torch; serving by OpenVINO does without (--mode fp32)");
    }
  }

  private static Check port(String what, int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return new Check(what, port + " is free", "");
    } catch (IOException taken) {
      return new Check(
          what,
          port + ": " + taken.getMessage(),
          "end what listens there, or give the server another one with --port");
    }
  }
}
