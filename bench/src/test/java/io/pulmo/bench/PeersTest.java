package io.pulmo.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is compared with is what is pinned. */
class PeersTest {
  private static final Pattern PIN =
      Pattern.compile(
          "^((?:torch|torchvision|pillow|numpy|openvino|nncf)==\\S+)", Pattern.MULTILINE);
  private static final String IMPORTED =
      """
      import torch, torchvision, PIL, numpy, openvino, nncf
      print("torch==" + torch.__version__.split("+")[0])
      print("torchvision==" + torchvision.__version__.split("+")[0])
      print("pillow==" + PIL.__version__)
      print("numpy==" + numpy.__version__)
      print("openvino==" + openvino.__version__.split("-")[0])
      print("nncf==" + nncf.__version__)
      """;

  @Test
  void interpreter_ofThePeers_importsThePinnedVersions() throws Exception {
    Path python = Peers.python();
    Path requirements = Path.of(System.getProperty("pulmo.root"), "bench/peers/requirements.txt");
    List<String> pinned =
        PIN.matcher(Files.readString(requirements)).results().map(pin -> pin.group(1)).toList();

    Process process =
        new ProcessBuilder(python.toString(), "-c", IMPORTED)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), printed);
    assertEquals(6, pinned.size(), pinned.toString());
    assertEquals(pinned, printed.lines().toList());
  }
}
