package io.pulmo.worker.checkpoint;

import io.pulmo.model.view.Label;
import io.pulmo.worker.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A process that trains on from its newest good checkpoint and writes one after each step, until it
 * is killed. It says what it found and what it has written, a line each.
 */
final class CheckpointVictim {
  private CheckpointVictim() {}

  /** Given the folder, and for a disk that fills up the file to remove so that there is room. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    CheckpointFolder checkpoints = new CheckpointFolder(folder, States.TINY, "tiny", "job-1", 2);
    TrainingState state = States.start(States.TINY);
    List<CheckpointFolder.Held> good = checkpoints.good(1);
    if (!good.isEmpty()) {
      state.replaceBy(checkpoints.load(good.getFirst().published().sha256()));
    }
    System.out.println("found " + state.step() + " " + state.digest());
    try (CheckpointWriter writer = new CheckpointWriter(checkpoints, state, new Telling())) {
      if (args.length > 1) {
        fillUp(state, writer, Path.of(args[1]));
        return;
      }
      while (!Thread.currentThread().isInterrupted()) {
        step(state, writer);
      }
    }
  }

  private static void step(TrainingState state, CheckpointWriter writer)
      throws InterruptedException {
    States.train(state, 1);
    writer.take(new Label(1, state.step()), state);
    writer.flush();
  }

  /** One with room, one without, one with room again. */
  private static void fillUp(TrainingState state, CheckpointWriter writer, Path ballast)
      throws Exception {
    step(state, writer);
    try (var out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(new byte[1 << 12]);
      }
    } catch (IOException e) {
      System.out.println("full " + e.getMessage());
    }
    step(state, writer);
    Files.delete(ballast);
    step(state, writer);
  }

  private static final class Telling implements CheckpointWriter.Listener {
    @Override
    public void held(CheckpointFolder.Held held) {
      System.out.println(
          "held " + held.published().label().step() + " " + held.published().digest());
    }

    @Override
    public void failed(Label label, IOException why) {
      System.out.println("failed " + label.step() + " " + why.getMessage());
    }

    @Override
    public void replaced(Label label, Label by) {
      System.out.println("replaced " + label.step());
    }
  }
}
