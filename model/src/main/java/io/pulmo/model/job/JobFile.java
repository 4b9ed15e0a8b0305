package io.pulmo.model.job;

import io.pulmo.model.job.JobSpec.Checkpoint;
import io.pulmo.model.job.JobSpec.Data;
import io.pulmo.model.job.JobSpec.Export;
import io.pulmo.model.job.JobSpec.Loss;
import io.pulmo.model.job.JobSpec.Optimizer;
import io.pulmo.model.job.JobSpec.Recipe;
import io.pulmo.model.job.JobSpec.Workers;
import io.pulmo.model.network.Preset;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The reader of JOB.yaml. Every key but {@code data} has a default; a key that is not known, or
 * that this version does nothing with, is refused rather than ignored.
 */
public final class JobFile {
  private static final List<String> KEYS =
      List.of(
          "name",
          "recipe",
          "preset",
          "data",
          "init",
          "batch",
          "epochs",
          "earlyStop",
          "optimizer",
          "loss",
          "workers",
          "precision",
          "wire",
          "seed",
          "checkpoint",
          "export");

  /** The file is read by its content; the name keeps a list or an image out of here. */
  private static final List<String> WEIGHTS = List.of(".safetensors", ".pth", ".pth.tar", ".pt");

  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");
  private static final int LONGEST_FILE_NAME = 255;
  private static final int MOST_MEMBERS = 64;
  private static final int MOST_EPOCHS = 10_000;

  private static final Map<String, Recipe> RECIPES =
      choices("chexnet", Recipe.CHEXNET, "study", Recipe.STUDY);
  private static final Map<String, Optimizer.Kind> OPTIMIZERS =
      choices("adam", Optimizer.Kind.ADAM, "sgd", Optimizer.Kind.SGD);
  private static final Map<String, Loss> LOSSES =
      choices(
          "weightedBinaryCrossEntropy",
          Loss.WEIGHTED_BINARY_CROSS_ENTROPY,
          "softmaxCrossEntropy",
          Loss.SOFTMAX_CROSS_ENTROPY);

  private JobFile() {}

  /**
   * Reads JOB.yaml.
   *
   * @throws JobSpecException naming the key, its value and what was expected
   */
  public static JobSpec parse(String yaml) {
    int bytes = yaml.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > YamlKeys.LONGEST_BYTES) {
      throw new JobSpecException(
          "has " + bytes + " bytes: expected at most " + YamlKeys.LONGEST_BYTES);
    }
    YamlKeys job = YamlKeys.document(yaml, KEYS);
    Recipe recipe = job.choice("recipe", RECIPES, Recipe.CHEXNET);
    Preset preset = preset(job);
    int batch = job.integer("batch", 1, 4_096, 16);
    // The choice is spelled out so that a file written for later versions is understood or refused.
    job.choice("precision", Map.of("fp32", "fp32"), "fp32");
    job.choice("wire", Map.of("fp32", "fp32"), "fp32");
    return new JobSpec(
        name(job, preset),
        recipe,
        preset,
        data(job),
        init(job),
        batch,
        job.integer("epochs", 1, MOST_EPOCHS, 10),
        job.integer("earlyStop", 0, MOST_EPOCHS, 0),
        optimizer(job, recipe, preset),
        job.choice(
            "loss",
            LOSSES,
            recipe == Recipe.CHEXNET
                ? Loss.WEIGHTED_BINARY_CROSS_ENTROPY
                : Loss.SOFTMAX_CROSS_ENTROPY),
        workers(job, batch),
        job.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE, 1L),
        checkpoint(job),
        export(job));
  }

  private static String name(YamlKeys job, Preset preset) {
    String expected = "up to 63 lower-case letters, digits and dashes, no dash first";
    String name =
        job.text("name", expected).orElse(preset == Preset.CHEXNET ? "chexnet" : "pulmo-small");
    if (!NAME.matcher(name).matches()) {
      throw job.wrong("name", name, expected);
    }
    return name;
  }

  private static Preset preset(YamlKeys job) {
    Map<String, Preset> presets = new LinkedHashMap<>();
    for (Preset one : Preset.values()) {
      presets.put(one.label(), one);
    }
    return job.choice("preset", presets, Preset.CHEXNET);
  }

  private static Data data(YamlKeys job) {
    YamlKeys data = job.keys("data", List.of("train", "validation", "images"));
    return new Data(
        file(data, "train", "the name of a label list, as train_list.txt"),
        file(data, "validation", "the name of a label list, as val_list.txt"),
        file(data, "images", "the folder of images under each worker's --data, as images/"));
  }

  private static String file(YamlKeys keys, String key, String what) {
    String name = keys.text(key, what).orElseThrow(() -> keys.missing(key, what));
    return relative(keys, key, name);
  }

  /** Names are the submitter's: none may lead out of the folder it is looked up in. */
  private static String relative(YamlKeys keys, String key, String name) {
    boolean fine = !name.isEmpty() && name.length() <= LONGEST_FILE_NAME && !name.startsWith("/");
    fine &= name.chars().noneMatch(c -> c == '\\' || c == ':' || Character.isISOControl(c));
    for (String segment : name.split("/", -1)) {
      fine &= !segment.equals("..");
    }
    if (!fine) {
      throw keys.wrong(
          key,
          name,
          "a relative name of at most "
              + LONGEST_FILE_NAME
              + " characters, without '..', ':' and backslashes");
    }
    return name;
  }

  private static Optional<String> init(YamlKeys job) {
    String expected = "the name of a weights file, " + String.join(", ", WEIGHTS);
    return job.text("init", expected)
        .map(
            name -> {
              if (WEIGHTS.stream().noneMatch(name::endsWith)) {
                throw job.wrong("init", name, expected);
              }
              return relative(job, "init", name);
            });
  }

  private static Optimizer optimizer(YamlKeys job, Recipe recipe, Preset preset) {
    YamlKeys keys = job.keys("optimizer", List.of("name", "learningRate", "onPlateau"));
    Optimizer.Kind kind =
        keys.choice(
            "name",
            OPTIMIZERS,
            recipe == Recipe.CHEXNET ? Optimizer.Kind.ADAM : Optimizer.Kind.SGD);
    // The paper's rate fits DenseNet-121; the small network starts from nothing and bears more.
    boolean small = recipe == Recipe.CHEXNET && preset == Preset.SMALL;
    return new Optimizer(
        kind,
        keys.number("learningRate", 0, 10, small ? 2e-3 : 1e-4),
        keys.number("onPlateau", 0, 1, recipe == Recipe.CHEXNET ? 0.1 : 1));
  }

  private static Workers workers(YamlKeys job, int batch) {
    YamlKeys keys = job.keys("workers", List.of("min", "max"));
    int min = keys.integer("min", 1, MOST_MEMBERS, 1);
    int max = keys.integer("max", 1, MOST_MEMBERS, Math.max(min, 8));
    if (max < min) {
      throw keys.wrong("max", max, "at least workers.min, which is " + min);
    }
    if (min > batch) {
      throw keys.wrong(
          "min", min, "at most batch, which is " + batch + ": each worker needs a sample a step");
    }
    return new Workers(min, max);
  }

  private static Checkpoint checkpoint(YamlKeys job) {
    YamlKeys keys = job.keys("checkpoint", List.of("everySteps", "keep"));
    return new Checkpoint(
        keys.integer("everySteps", 1, 1_000_000, 500), keys.integer("keep", 1, 100, 3));
  }

  private static Export export(YamlKeys job) {
    YamlKeys keys = job.keys("export", List.of("calibrationSamples"));
    return new Export(keys.integer("calibrationSamples", 0, 100_000, 300));
  }

  private static <T> Map<String, T> choices(String first, T one, String second, T other) {
    Map<String, T> choices = new LinkedHashMap<>();
    choices.put(first, one);
    choices.put(second, other);
    return choices;
  }
}
