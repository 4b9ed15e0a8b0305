package io.pulmo.model.job;

import io.pulmo.model.network.Preset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a user asks the cluster to train, as JOB.yaml says it, with every default filled in.
 *
 * @param name of the job and of the model in its bundle: lower-case letters, digits and dashes
 * @param recipe what the training follows
 * @param preset the network and its image sizes
 * @param data the label lists and the folder of images
 * @param init a weights file to start from, else random ones drawn from the seed
 * @param batch samples of one step over all members
 * @param epochs how often the training list is gone through
 * @param earlyStop it ends sooner after so many epochs without a better one; 0 for never
 * @param optimizer how gradients become steps
 * @param loss what is minimized
 * @param workers how many members the job wants
 * @param seed of initial weights, order of samples and augmentation
 * @param checkpoint when checkpoints are written
 * @param export what the bundle at the end holds
 */
public record JobSpec(
    String name,
    Recipe recipe,
    Preset preset,
    Data data,
    Optional<String> init,
    int batch,
    int epochs,
    int earlyStop,
    Optimizer optimizer,
    Loss loss,
    Workers workers,
    long seed,
    Checkpoint checkpoint,
    Export export) {

  /** What training follows. */
  public enum Recipe {
    /**
     * The paper's (Rajpurkar et al., 2017): weighted binary cross-entropy, Adam, one random crop
     * and flip.
     */
    CHEXNET,
    /**
     * The study's: SGD, softmax cross-entropy against the mean of the ten crops' sigmoid outputs.
     */
    STUDY
  }

  /**
   * The label lists, by the names they have in JOB.yaml, and the folder of images under each
   * worker's {@code --data}.
   *
   * @param train list to learn from
   * @param validation list by which the best epoch is chosen
   * @param images folder, relative
   */
  public record Data(String train, String validation, String images) {}

  /**
   * How gradients become steps.
   *
   * @param kind the rule
   * @param learningRate its rate at the start
   * @param onPlateau the factor by which the rate shrinks after an epoch that did not better the
   *     validation loss; 1 for never
   */
  public record Optimizer(Kind kind, double learningRate, double onPlateau) {
    /** The rule. */
    public enum Kind {
      /** Kingma and Ba, 2015, with its defaults: beta 0.9 and 0.999, epsilon 1e-8. */
      ADAM,
      /** Stochastic gradient descent with momentum 0.9. */
      SGD
    }
  }

  /** What is minimized. */
  public enum Loss {
    /**
     * Binary cross-entropy on one crop, positives and negatives of each disease weighted to equal
     * sums.
     */
    WEIGHTED_BINARY_CROSS_ENTROPY,
    /**
     * The study's: softmax cross-entropy of the 0/1 labels against the mean of the ten crops'
     * sigmoid outputs.
     */
    SOFTMAX_CROSS_ENTROPY
  }

  /**
   * How many members the job wants.
   *
   * @param min it starts once so many are there
   * @param max it takes at most so many
   */
  public record Workers(int min, int max) {}

  /**
   * When checkpoints are written.
   *
   * @param everySteps and at each epoch's end
   * @param keep how many of the newest stay
   */
  public record Checkpoint(int everySteps, int keep) {}

  /**
   * What the bundle at the end holds.
   *
   * @param calibrationSamples of how many training images the ranges of INT8 are taken; 0 for a
   *     bundle without INT8
   */
  public record Export(int calibrationSamples) {}

  /** The names of the files that must come with a submission, as JOB.yaml has them. */
  public List<String> files() {
    List<String> files = new ArrayList<>(List.of(data.train, data.validation));
    init.ifPresent(files::add);
    return files.stream().distinct().toList();
  }
}
