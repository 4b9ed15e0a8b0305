package io.pulmo.cli;

import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import io.pulmo.cli.terminal.FindingsTable;
import io.pulmo.cli.terminal.JsonFile;
import io.pulmo.client.Analysis;
import io.pulmo.client.Options;
import io.pulmo.client.Precision;
import io.pulmo.client.PulmoClient;
import io.pulmo.client.PulmoException;
import io.pulmo.model.Finding;
import io.pulmo.model.Findings;
import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.repository.LoadedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "infer",
    description = "The fourteen probabilities of radiographs, by a bundle here or by a server.")
final class InferCommand implements Callable<Integer> {
  /** Where the model is: exactly one of the two. */
  private static final class Where {
    @Option(names = "--bundle", paramLabel = "DIR", required = true)
    private Optional<Path> bundle = Optional.empty();

    @Option(names = "--server", paramLabel = "HOST:PORT", required = true)
    private Optional<String> server = Optional.empty();
  }

  @ArgGroup(multiplicity = "1")
  private Where where = new Where();

  @Option(names = "--mode", paramLabel = "torch|fp32", required = true)
  private String mode = "";

  @Option(names = "--json", paramLabel = "FILE", description = "the answers for programs")
  private Optional<Path> json = Optional.empty();

  @Parameters(paramLabel = "IMAGE", arity = "1..*", description = "PNG files")
  private List<Path> images = List.of();

  /** One file's answer. */
  private record Answer(Path file, Analysis analysis) {}

  @Override
  public Integer call() throws Exception {
    List<Answer> answers = new ArrayList<>();
    Mode asked = CommandFailure.option("--mode", () -> Mode.ofLabel(mode));
    boolean all =
        where.bundle.isPresent()
            ? byBundle(where.bundle.get(), asked, answers)
            : byServer(where.server.orElseThrow(), asked, answers);
    if (json.isPresent()) {
      JsonFile.write(json.get(), Map.of("images", answers.stream().map(this::row).toList()));
    }
    return all ? ExitCode.DONE : ExitCode.FAILED;
  }

  private boolean byBundle(Path folder, Mode asked, List<Answer> answers) throws IOException {
    try (LoadedModel model = LoadedModel.open(Bundle.open(folder), Set.of(asked))) {
      return eachImage(
          answers,
          image -> {
            Findings findings = model.judge(image, asked);
            Map<String, Float> byLabel = new LinkedHashMap<>();
            for (Finding finding : Finding.ALL) {
              byLabel.put(finding.label(), findings.of(finding));
            }
            return new Analysis(
                byLabel,
                model.identity().name(),
                model.identity().version(),
                model.identity().digest(),
                Precision.valueOf(asked.name()));
          });
    }
  }

  private boolean byServer(String server, Mode asked, List<Answer> answers) throws IOException {
    Options options = Options.defaults().withPrecision(Precision.valueOf(asked.name()));
    try (PulmoClient client =
        CommandFailure.option("--server", () -> PulmoClient.builder().target(server).build())) {
      return eachImage(answers, image -> client.analyze(image, options));
    }
  }

  /** What answers the bytes of one image. */
  private interface Judge {
    Analysis judge(byte[] image) throws IOException, UnreadableImageException;
  }

  /** False if one was refused: it is named, and the others go on. */
  private boolean eachImage(List<Answer> answers, Judge judge) throws IOException {
    boolean all = true;
    for (Path file : images) {
      try {
        if (!Files.isRegularFile(file)) {
          throw CommandFailure.work("no such file");
        }
        Analysis analysis = judge.judge(Files.readAllBytes(file));
        answers.add(new Answer(file, analysis));
        System.out.print(FindingsTable.of(file.toString(), analysis));
      } catch (IOException | UnreadableImageException | CommandFailure refused) {
        System.err.println("pulmo: " + file + ": " + refused.getMessage());
        all = false;
      } catch (PulmoException refused) {
        if (refused.kind() != PulmoException.Kind.INVALID_ARGUMENT) {
          throw refused;
        }
        System.err.println("pulmo: " + file + ": " + refused.getMessage());
        all = false;
      }
    }
    return all;
  }

  private Map<String, Object> row(Answer answer) {
    Analysis analysis = answer.analysis();
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("file", answer.file().toString());
    row.put("mode", mode);
    row.put("probabilities", analysis.probabilities());
    row.put(
        "model",
        Map.of(
            "name", analysis.modelName(),
            "version", analysis.modelVersion(),
            "digest", analysis.modelDigest(),
            "precision", mode));
    return row;
  }
}
