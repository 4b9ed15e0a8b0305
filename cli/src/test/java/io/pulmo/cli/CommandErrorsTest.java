package io.pulmo.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.cli.terminal.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user sees of a mistake: one to three lines that name the value, and the exit code. */
class CommandErrorsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path directory;

  CommandErrorsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void pulmo_noCommand_listsThem() throws Exception {
    refused(ExitCode.USAGE, List.of("demo", "train", "verify"));
  }

  @Test
  void pulmo_unknownOption_namesIt() throws Exception {
    refused(ExitCode.USAGE, List.of("--wrokers"), "demo", "--wrokers", "3");
  }

  @Test
  void serve_imageLimitOfNothing_namesTheOptionAndTheValue() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("--max-image-side", "is 0", "1 to 65535"),
        "serve",
        "--repository",
        directory.toString(),
        "--max-image-side",
        "0");
  }

  @Test
  void demo_unknownPreset_namesItAndTheChoices() throws Exception {
    refused(ExitCode.USAGE, List.of("huge", "small", "chexnet"), "demo", "--preset", "huge");
  }

  @Test
  void demo_noWorkers_namesTheRange() throws Exception {
    refused(ExitCode.USAGE, List.of("--workers", "0", "1 to 8"), "demo", "--workers", "0");
  }

  @Test
  void generate_tooFewPatients_namesTheRange() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("patients", "3", "10"),
        "data",
        "generate",
        "--out",
        directory.resolve("data").toString(),
        "--patients",
        "3");
  }

  @Test
  void data_noCommand_listsThem() throws Exception {
    refused(ExitCode.USAGE, List.of("generate", "download", "split", "stats"), "data");
  }

  @Test
  void stats_listThatIsNotThere_namesIt() throws Exception {
    refused(ExitCode.FAILED, List.of("no file", "nowhere.txt"), "data", "stats", "nowhere.txt");
  }

  @Test
  void split_oneOfNihsLists_asksForTheOther() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("--train-val"),
        "data",
        "split",
        "--csv",
        "a.csv",
        "--out",
        "out",
        "--test",
        "test_list.txt");
  }

  @Test
  void split_otherTable_namesTheHeader() throws Exception {
    Path csv = Files.writeString(directory.resolve("a.csv"), "name,label\na.png,Mass\n");
    refused(
        ExitCode.FAILED,
        List.of("a.csv, line 1", "name,label", "Image Index"),
        "data",
        "split",
        "--csv",
        csv.toString(),
        "--out",
        directory.resolve("out").toString());
  }

  @Test
  void download_badList_namesTheLine() throws Exception {
    Path list = Files.writeString(directory.resolve("list.tsv"), "a.tar.gz\thttp://host/a\n");
    refused(
        ExitCode.FAILED,
        List.of("list.tsv, line 1", "2 fields", "SHA-256"),
        "data",
        "download",
        "--out",
        directory.resolve("out").toString(),
        "--archives",
        list.toString());
  }

  @Test
  void worker_addressWithoutPort_namesOptionAndValue() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("--coordinator", "nowhere", "HOST:PORT"),
        "worker",
        "--coordinator",
        "nowhere");
  }

  @Test
  void infer_serverWithoutPort_namesOptionAndValue() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("--server", "nowhere", "HOST:PORT"),
        "infer",
        "--mode",
        "fp32",
        "--server",
        "nowhere",
        "a.png");
  }

  @Test
  void infer_standardInputTwice_isRefused() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("standard input", "twice"),
        "infer",
        "--mode",
        "fp32",
        "--bundle",
        directory.toString(),
        "-",
        "-");
  }

  @Test
  void infer_noServerThere_saysSoOnce() throws Exception {
    Path image = Files.writeString(directory.resolve("a.png"), "not looked at");
    refused(
        ExitCode.FAILED,
        List.of("the server cannot be reached"),
        "infer",
        "--mode",
        "fp32",
        "--server",
        "127.0.0.1:1",
        image.toString(),
        image.toString());
  }

  @Test
  void serve_unknownMode_namesItAndTheChoices() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("int4", "torch", "fp32", "int8"),
        "serve",
        "--repository",
        directory.toString(),
        "--mode",
        "int4");
  }

  @Test
  void serve_unknownInt8Range_namesItAndTheChoices() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("--int8-range is 'quarter'", "auto, full or half"),
        "serve",
        "--repository",
        directory.toString(),
        "--int8-range",
        "quarter");
  }

  @Test
  void serve_noBundle_namesTheFolder() throws Exception {
    refused(
        ExitCode.FAILED,
        List.of(directory.toString()),
        "serve",
        "--port",
        "0",
        "--repository",
        directory.toString());
  }

  @Test
  void coordinator_bindBeyondThisMachine_isRefusedWithoutInsecure() throws Exception {
    refused(
        ExitCode.USAGE,
        List.of("0.0.0.0", "--insecure"),
        "coordinator",
        "--bind",
        "0.0.0.0",
        "--advertise",
        "localhost",
        "--state",
        directory.resolve("state").toString());
  }

  @Test
  void submit_unknownKey_namesItAndTheNearest() throws Exception {
    Path job =
        Files.writeString(
            directory.resolve("JOB.yaml"),
            "data: {train: a.txt, validation: b.txt, images: images}\nepoch: 3\n");
    refused(ExitCode.FAILED, List.of("epoch", "epochs"), "train", "submit", job.toString());
  }

  @Test
  void submit_listThatIsNotThere_namesIt() throws Exception {
    Path job =
        Files.writeString(
            directory.resolve("JOB.yaml"),
            "data: {train: a.txt, validation: b.txt, images: images}\n");
    refused(ExitCode.FAILED, List.of("a.txt"), "train", "submit", job.toString());
  }

  @Test
  void submit_weightsThatDoNotFit_namesThemBeforeAnythingIsSent() throws Exception {
    Files.writeString(directory.resolve("list.txt"), "a.png 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    Files.writeString(directory.resolve("weights.pth"), "<html>not found</html>\n");
    Path job =
        Files.writeString(
            directory.resolve("JOB.yaml"),
            "data: {train: list.txt, validation: list.txt, images: images}\ninit: weights.pth\n");
    refused(
        ExitCode.FAILED,
        List.of("weights.pth", "neither safetensors nor a PyTorch state dict"),
        "train",
        "submit",
        job.toString());
  }

  @Test
  void export_pickleThatWouldRunCode_isRefusedByItsOpcode() throws Exception {
    byte[] magic = {(byte) 0x80, 2, 'c', 'o', 's', '\n', 's', 'y', 's', 't', 'e', 'm', '\n', '.'};
    Path file = Files.write(directory.resolve("model.pth.tar"), magic);
    refused(
        ExitCode.FAILED,
        List.of("model.pth.tar", "opcode GLOBAL at byte 2", "os.system", "nothing was run"),
        "export",
        "--checkpoint",
        file.toString(),
        "--out",
        directory.resolve("bundle").toString());
  }

  @Test
  void evaluate_badLabelLine_namesFileAndLine() throws Exception {
    Path list = Files.writeString(directory.resolve("list.txt"), "a.png 0 1 2\n");
    refused(
        ExitCode.FAILED,
        List.of("list.txt", "1"),
        "evaluate",
        "--bundle",
        directory.toString(),
        "--labels",
        list.toString(),
        "--images",
        directory.toString());
  }

  private void refused(int exitCode, List<String> named, String... arguments) throws Exception {
    try (PulmoProcess pulmo = PulmoProcess.start(directory.resolve("work"), arguments)) {
      assertEquals(exitCode, pulmo.awaitExit(PATIENCE), pulmo.errors());
      String output = pulmo.output();
      String errors = pulmo.errors();
      assertAll(
          () -> assertEquals("", output),
          () -> assertTrue(errors.startsWith("pulmo: "), errors),
          () -> assertTrue(errors.lines().count() <= 3, errors),
          () -> named.forEach(name -> assertTrue(errors.contains(name), errors)));
    }
  }
}
