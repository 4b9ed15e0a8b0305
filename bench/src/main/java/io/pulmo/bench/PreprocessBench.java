package io.pulmo.bench;

import io.pulmo.bench.Event.Stage;
import io.pulmo.bench.Event.Who;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.model.image.ImageDecoder;
import io.pulmo.model.image.ImagePipeline;
import io.pulmo.model.image.Pixels;
import io.pulmo.model.image.Preprocessing;
import io.pulmo.model.image.UnreadableImageException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * The time from an image's bytes to the tensor of its ten crops, and that of the peer, in turns on
 * one thread each.
 *
 * <p>Each round times every image twice: as serving goes through, and stage by stage. As in
 * serving, each image gets a tensor of its own, so making and collecting them is in the time.
 */
final class PreprocessBench {
  private static final Preprocessing CHEXNET = Preprocessing.imageNet(256, 224);

  private final ImagePipeline pipeline = new ImagePipeline(CHEXNET);
  private final float[] crops = new float[Preprocessing.CROPS * CHEXNET.cropSize()];
  private final List<BenchImage> images;
  private final Optional<PeerProcess> peer;
  private final EventsFile events;

  PreprocessBench(List<BenchImage> images, Optional<PeerProcess> peer, EventsFile events) {
    this.images = images;
    this.peer = peer;
    this.events = events;
  }

  /**
   * Runs it.
   *
   * @param warmUps rounds before those that count
   * @param rounds that count
   * @param cpu the one CPU that all runs on
   * @param work a folder for the peer's tensors
   * @param done told how many rounds are done
   */
  void run(int warmUps, int rounds, Optional<Integer> cpu, Path work, IntConsumer done)
      throws IOException {
    events.add(
        new Event.Begin(
            Event.FORMAT,
            images.size(),
            rounds,
            cpu.orElse(null),
            Runtime.version().toString(),
            peer.map(PeerProcess::tools).orElse(null)));
    for (int round = 1 - warmUps; round <= rounds; round++) {
      for (BenchImage image : images) {
        pulmo(image, round);
      }
      if (peer.isPresent()) {
        List<Map<Stage, Long>> times = peer.get().round(round);
        for (int i = 0; i < images.size(); i++) {
          for (Map.Entry<Stage, Long> time : times.get(i).entrySet()) {
            add(Who.PEER, images.get(i), round, time.getKey(), time.getValue());
          }
        }
      }
      done.accept(round + warmUps);
    }
    if (peer.isPresent()) {
      compare(peer.get(), work.resolve("tensors"));
    }
  }

  private void pulmo(BenchImage image, int round) throws IOException {
    try {
      long started = System.nanoTime();
      keep(tensor(pipeline.resized(image.bytes())));
      add(Who.PULMO, image, round, Stage.TOTAL, System.nanoTime() - started);

      long start = System.nanoTime();
      Pixels decoded = ImageDecoder.decode(image.bytes());
      long decodedAt = System.nanoTime();
      Pixels resized = pipeline.resized(decoded);
      long resizedAt = System.nanoTime();
      keep(tensor(resized));
      long croppedAt = System.nanoTime();
      add(Who.PULMO, image, round, Stage.DECODE, decodedAt - start);
      add(Who.PULMO, image, round, Stage.RESIZE, resizedAt - decodedAt);
      add(Who.PULMO, image, round, Stage.CROPS, croppedAt - resizedAt);
    } catch (UnreadableImageException e) {
      throw CommandFailure.work(image.file() + ": " + e.getMessage());
    }
  }

  /** Into the same array each time, as serving does. */
  private float[] tensor(Pixels resized) {
    pipeline.tenCrops(resized, crops, 0);
    return crops;
  }

  /** Something must become of a result for the compiler to keep what makes it. */
  private static void keep(float[] tensor) {
    if (Float.isNaN(tensor[tensor.length - 1])) {
      throw new IllegalStateException("a tensor holds what is no number");
    }
  }

  private void add(Who who, BenchImage image, int round, Stage stage, long nanos)
      throws IOException {
    if (round >= 1) {
      events.add(
          new Event.Time(
              who, image.kind().label(), image.name(), round, stage, Math.max(1, nanos)));
    }
  }

  private void compare(PeerProcess peer, Path tensors) throws IOException {
    peer.tensors(tensors);
    ByteBuffer theirs =
        ByteBuffer.allocate(Preprocessing.CROPS * CHEXNET.cropSize() * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(tensors)))) {
      for (BenchImage image : images) {
        in.readFully(theirs.array());
        float[] ours;
        try {
          ours = tensor(pipeline.resized(image.bytes()));
        } catch (UnreadableImageException e) {
          throw CommandFailure.work(image.file() + ": " + e.getMessage());
        }
        double most = 0;
        for (int i = 0; i < ours.length; i++) {
          most = Math.max(most, Math.abs((double) ours[i] - theirs.getFloat(i * Float.BYTES)));
        }
        events.add(new Event.Difference(image.kind().label(), image.name(), most));
      }
    }
  }
}
