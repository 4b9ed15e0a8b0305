package io.pulmo.serving;

import io.pulmo.model.Finding;
import io.pulmo.model.Findings;
import io.pulmo.model.image.ImageDecoder;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.serving.backend.Mode;
import io.pulmo.serving.backend.WeightRange;
import io.pulmo.serving.repository.Judge;
import io.pulmo.serving.repository.ModelIdentity;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A judge of FP32 that judges when told to; its findings are the image's first byte in hundredths.
 */
public final class GatedJudge implements Judge {
  /** One permit for each study that a thread has taken up. */
  public final Semaphore entered = new Semaphore(0);

  /** Lets that many studies be finished. */
  public final Semaphore go = new Semaphore(0);

  /** How many are finished. */
  public final AtomicInteger judged = new AtomicInteger();

  private final String name;

  /** A judge of that name. */
  public GatedJudge(String name) {
    this.name = name;
  }

  @Override
  public ModelIdentity identity() {
    return new ModelIdentity(name, 1, "0123456789abcdef");
  }

  @Override
  public SortedSet<Mode> modes() {
    return new TreeSet<>(List.of(Mode.FP32));
  }

  @Override
  public Map<Mode, String> unavailable() {
    return Map.of(Mode.TORCH, "libtorch is not installed");
  }

  @Override
  public Optional<WeightRange> weightRange(Mode mode) {
    return Optional.empty();
  }

  @Override
  public int parallelism() {
    return 1;
  }

  @Override
  public Findings judge(byte[] image, Mode mode) throws UnreadableImageException {
    if (image.length == 0) {
      ImageDecoder.decode(image);
    }
    entered.release();
    go.acquireUninterruptibly();
    judged.incrementAndGet();
    float[] all = new float[Finding.COUNT];
    Arrays.fill(all, image[0] / 100f);
    return new Findings(all);
  }
}
