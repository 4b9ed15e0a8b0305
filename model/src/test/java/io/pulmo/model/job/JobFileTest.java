package io.pulmo.model.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.job.JobSpec.Checkpoint;
import io.pulmo.model.job.JobSpec.Data;
import io.pulmo.model.job.JobSpec.Export;
import io.pulmo.model.job.JobSpec.Loss;
import io.pulmo.model.job.JobSpec.Optimizer;
import io.pulmo.model.job.JobSpec.Recipe;
import io.pulmo.model.job.JobSpec.Workers;
import io.pulmo.model.network.Preset;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobFileTest {
  private static final String DATA = "data: {train: t.txt.gz, validation: v.txt.gz, images: i/}\n";

  private static final String COMPLETE =
      """
      name: chexnet-nih
      recipe: chexnet              # or study
      preset: small
      data: {train: lists/t.txt.gz, validation: v.txt.gz, images: images/}
      init: densenet121.safetensors
      batch: 32
      epochs: 7
      earlyStop: 2
      optimizer: {name: sgd, learningRate: 1.0e-3, onPlateau: 0.5}
      loss: softmaxCrossEntropy
      workers: {min: 3, max: 5}
      precision: fp32
      wire: fp32
      seed: -9
      checkpoint: {everySteps: 50, keep: 2}
      export: {calibrationSamples: 80}
      """;

  private static String error(String yaml) {
    JobSpecException refused =
        assertThrows(JobSpecException.class, () -> JobFile.parse(yaml), yaml);
    return String.valueOf(refused.getMessage());
  }

  @Test
  void file_withEveryKey_isReadAsWritten() {
    assertEquals(
        new JobSpec(
            "chexnet-nih",
            Recipe.CHEXNET,
            Preset.SMALL,
            new Data("lists/t.txt.gz", "v.txt.gz", "images/"),
            Optional.of("densenet121.safetensors"),
            32,
            7,
            2,
            new Optimizer(Optimizer.Kind.SGD, 1e-3, 0.5),
            Loss.SOFTMAX_CROSS_ENTROPY,
            new Workers(3, 5),
            -9,
            new Checkpoint(50, 2),
            new Export(80)),
        JobFile.parse(COMPLETE));
  }

  @Test
  void file_withDataAlone_hasThePapersDefaults() {
    assertEquals(
        new JobSpec(
            "chexnet",
            Recipe.CHEXNET,
            Preset.CHEXNET,
            new Data("t.txt.gz", "v.txt.gz", "i/"),
            Optional.empty(),
            16,
            10,
            0,
            new Optimizer(Optimizer.Kind.ADAM, 1e-4, 0.1),
            Loss.WEIGHTED_BINARY_CROSS_ENTROPY,
            new Workers(1, 8),
            1,
            new Checkpoint(500, 3),
            new Export(300)),
        JobFile.parse(DATA));
  }

  @Test
  void recipeStudy_hasTheStudysDefaults() {
    JobSpec spec = JobFile.parse(DATA + "recipe: study");
    assertEquals(new Optimizer(Optimizer.Kind.SGD, 1e-4, 1), spec.optimizer());
    assertEquals(Loss.SOFTMAX_CROSS_ENTROPY, spec.loss());
  }

  @Test
  void presetSmall_hasARateForASmallNetworkFromNothing() {
    JobSpec spec = JobFile.parse(DATA + "preset: small");
    assertEquals("pulmo-small", spec.name());
    assertEquals(2e-3, spec.optimizer().learningRate());
  }

  @Test
  void workers_minAboveTheDefaultMax_raisesIt() {
    assertEquals(new Workers(12, 12), JobFile.parse(DATA + "workers: {min: 12}").workers());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "batchsize: 4| unknown key 'batchsize': did you mean 'batch'?",
        "epoch: 4| did you mean 'epochs'?",
        "zzz: 4| unknown key 'zzz': The keys are name, recipe, preset, data,",
        "export: {calibrationSamples: -1}| export.calibrationSamples is '-1': expected an integer from 0 to 100000",
        "optimizer: {learningrate: 1}| 'optimizer.learningrate': did you mean 'learningRate'?",
        "workers: {mni: 1}| The keys of workers are min, max",
        "optimizer: adam| optimizer is 'adam': expected keys and values, of name, learningRate",
        "batch: many| batch is 'many': expected an integer from 1 to 4096",
        "batch: 0| batch is '0': expected an integer from 1 to 4096",
        "batch: 1.5| batch is '1.5': expected an integer",
        "batch: 99999999999999999999| expected an integer from 1 to 4096",
        "batch: [1]| batch is '[1]': expected an integer",
        "epochs: '3'| epochs is '3': expected an integer",
        "seed: 9223372036854775808| seed is '9223372036854775808': expected an integer",
        "recipe: paper| recipe is 'paper': expected one of chexnet, study",
        "preset: large| preset is 'large': expected one of small, chexnet",
        "preset: 1| preset is '1': expected one of small, chexnet",
        "loss: mse| loss is 'mse': expected one of weightedBinaryCrossEntropy, softmaxCross",
        "precision: bf16| precision is 'bf16': expected one of fp32",
        "wire: bf16| wire is 'bf16': expected one of fp32",
        "optimizer: {name: lamb}| optimizer.name is 'lamb': expected one of adam, sgd",
        "optimizer: {learningRate: 0}| optimizer.learningRate is '0': expected a number above 0",
        "optimizer: {learningRate: .nan}| optimizer.learningRate is",
        "optimizer: {onPlateau: 1.1}| optimizer.onPlateau is '1.1': expected a number above 0",
        "workers: {min: 4, max: 3}| workers.max is '3': expected at least workers.min, which is 4",
        "workers: {min: 17}| workers.min is '17': expected at most batch, which is 16",
        "name: Big| name is 'Big': expected up to 63 lower-case letters",
        "name: -x| name is '-x'",
        "name: 7| name is '7': expected up to 63",
        "init: w.h5| init is 'w.h5': expected the name of a weights file, .safetensors, .pth",
        "init: ../w.safetensors| init is '../w.safetensors': expected a relative name",
        "init: /w.safetensors| init is '/w.safetensors': expected a relative name",
        "checkpoint: {keep: 0}| checkpoint.keep is '0': expected an integer from 1 to 100",
        "batch: 1\\nbatch: 2| no valid YAML at line 3",
        "loss: &a x| anchors and aliases (& and *) are not taken",
        "a: [[[[[[[[1]]]]]]]]| nested more than 8 deep",
        "a: [1| no valid YAML at line",
        "? [1, 2]\\n: 3| JOB.yaml:",
        "data: x| no valid YAML at line 2",
      })
  void value_thatWillNotDo_isNamedWithWhatWasExpected(String line, String expected) {
    String message = error(DATA + line.replace("\\n", "\n"));
    assertTrue(message.contains(expected), message);
    assertTrue(message.startsWith("JOB.yaml: "), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{validation: v, images: i}| data.train is missing: expected the name of a label list",
        "{train: t, images: i}| data.validation is missing",
        "{train: t, validation: v}| data.images is missing: expected the folder of images",
        "{train: a/../t, validation: v, images: i}| data.train is 'a/../t': expected a relative",
        "{train: t, validation: v, images: ..}| data.images is '..': expected a relative",
        "{train: '', validation: v, images: i}| data.train is '': expected a relative",
        "{train: 't\\u0000', validation: v, images: i}| data.train is",
        "{train: 't\\', validation: v, images: i}| data.train is 't\\'",
        "[t, v, i]| data is '[t, v, i]': expected keys and values, of train, validation, images",
        "| data.train is missing",
      })
  void data_thatWillNotDo_isNamedWithWhatWasExpected(@Nullable String data, String expected) {
    String message = error("data: " + (data == null ? "" : data.replace("\\u0000", "\u0000")));
    assertTrue(message.contains(expected) || message.contains("no valid YAML"), message);
  }

  @Test
  void document_thatIsNoMapping_isRefused() {
    assertTrue(error("").contains("the document is empty"));
    assertTrue(error("- 1").contains("expected keys and values"));
    assertTrue(error(DATA + "---\n" + DATA).contains("no valid YAML"));
  }

  @Test
  void document_thatIsTooLong_isRefused() {
    String long1 = DATA + "# " + "x".repeat(64 << 10);
    assertTrue(error(long1).contains("expected at most 65536"));
    assertTrue(error(DATA + "# " + "ä".repeat(33 << 10)).contains("expected at most 65536"));
  }

  @Test
  void document_ofBracketsAlone_isRefusedWithoutOverflow() {
    assertTrue(error("[".repeat(60_000)).contains("nested more than 8 deep"));
    assertTrue(error("{a: ".repeat(15_000)).contains("nested more than 8 deep"));
    assertTrue(error("- ".repeat(30_000)).contains("nested more than 8 deep"));
  }

  @Test
  void error_showsALongValueShortened() {
    String message = error(DATA + "name: " + "x".repeat(5_000));
    assertTrue(message.length() < 300, message);
  }

  /** Whatever comes, it is read or refused by JobSpecException. */
  @Test
  void mutatedFiles_areReadOrRefused_neverAnythingElse() {
    Random random = new Random(20_261_124);
    List<String> pieces =
        List.of(
            ": ",
            "{",
            "}",
            "[",
            "]",
            "\n",
            "  ",
            "- ",
            "&a ",
            "*a",
            "!!int ",
            "|",
            ">",
            "'",
            "\"",
            "? ",
            "%YAML 1.2\n",
            "---\n",
            "...\n",
            "\t",
            "\0",
            "\ud800",
            "\ufeff",
            "1e999",
            ".inf",
            "0x1F",
            "null",
            "~",
            "!<tag:x> ",
            "<<: ");
    int read = 0;
    for (int i = 0; i < 4_000; i++) {
      StringBuilder yaml = new StringBuilder(COMPLETE);
      for (int changes = random.nextInt(4); changes >= 0; changes--) {
        int at = random.nextInt(yaml.length());
        switch (random.nextInt(4)) {
          case 0 -> yaml.deleteCharAt(at);
          case 1 -> yaml.insert(at, pieces.get(random.nextInt(pieces.size())));
          case 2 -> yaml.setCharAt(at, (char) random.nextInt(256));
          default -> yaml.delete(at, Math.min(yaml.length(), at + random.nextInt(20)));
        }
      }
      try {
        JobSpec spec = JobFile.parse(yaml.toString());
        assertTrue(spec.batch() >= spec.workers().min());
        read++;
      } catch (JobSpecException e) {
        assertTrue(String.valueOf(e.getMessage()).startsWith("JOB.yaml: "), e.getMessage());
      }
    }
    assertTrue(read > 100, "only " + read + " of the mutated files were read");
  }
}
