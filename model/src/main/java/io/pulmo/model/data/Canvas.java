package io.pulmo.model.data;

import java.util.SplittableRandom;

/** A square of brightness that shapes are added to, in the frame of the body it shows. */
final class Canvas {
  /** What is added at a point of the body. */
  @FunctionalInterface
  interface Shade {
    double at(double u, double v);
  }

  private static final int TONES = 4096;

  private final int size;
  private final Thorax thorax;
  private final float[] brightness;

  Canvas(int size, Thorax thorax) {
    this.size = size;
    this.thorax = thorax;
    this.brightness = new float[size * size];
  }

  /** Adds a shade everywhere. */
  void add(Shade shade) {
    add(0, 0, size, size, shade);
  }

  /** Adds a shade within a rectangle of the body. */
  void add(double u0, double v0, double u1, double v1, Shade shade) {
    int[] box = pixels(u0, v0, u1, v1);
    add(box[0], box[1], box[2], box[3], shade);
  }

  private void add(int x0, int y0, int x1, int y1, Shade shade) {
    double du = thorax.cosine / (thorax.scale * size);
    double dv = -thorax.sine / (thorax.scale * size);
    for (int y = y0; y < y1; y++) {
      double right = ((x0 + 0.5) / size - 0.5 - thorax.shiftX) / thorax.scale;
      double down = ((y + 0.5) / size - 0.5 - thorax.shiftY) / thorax.scale;
      double u = thorax.cosine * right + thorax.sine * down;
      double v = thorax.cosine * down - thorax.sine * right;
      int at = y * size + x0;
      for (int x = x0; x < x1; x++, at++) {
        brightness[at] += (float) shade.at(u, v);
        u += du;
        v += dv;
      }
    }
  }

  /**
   * The pixels that cover a rectangle of the body: left, top, right and bottom, the last two
   * excluded.
   */
  int[] pixels(double u0, double v0, double u1, double v1) {
    double left = 1;
    double top = 1;
    double right = 0;
    double bottom = 0;
    for (int corner = 0; corner < 4; corner++) {
      double u = (corner & 1) == 0 ? u0 : u1;
      double v = (corner & 2) == 0 ? v0 : v1;
      double x = 0.5 + thorax.shiftX + thorax.scale * (thorax.cosine * u - thorax.sine * v);
      double y = 0.5 + thorax.shiftY + thorax.scale * (thorax.sine * u + thorax.cosine * v);
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    return new int[] {
      clamp((int) Math.floor(left * size)),
      clamp((int) Math.floor(top * size)),
      clamp((int) Math.ceil(right * size)),
      clamp((int) Math.ceil(bottom * size))
    };
  }

  private int clamp(int pixel) {
    return Math.max(0, Math.min(size, pixel));
  }

  /** Adds a line with soft edges, clipped by a mask. */
  void stroke(
      double u0, double v0, double u1, double v1, double halfWidth, double amount, Shade mask) {
    double du = u1 - u0;
    double dv = v1 - v0;
    double lengthSquared = Math.max(1e-12, du * du + dv * dv);
    add(
        Math.min(u0, u1) - halfWidth,
        Math.min(v0, v1) - halfWidth,
        Math.max(u0, u1) + halfWidth,
        Math.max(v0, v1) + halfWidth,
        (u, v) -> {
          double along = ((u - u0) * du + (v - v0) * dv) / lengthSquared;
          // Half open, so that the next piece of a bent line does not add its end a second time.
          if (along < 0 || along >= 1) {
            return 0;
          }
          double offU = u - u0 - along * du;
          double offV = v - v0 - along * dv;
          double x = (offU * offU + offV * offV) / (halfWidth * halfWidth);
          return x >= 1 ? 0 : amount * (1 - x) * (1 - x) * mask.at(u, v);
        });
  }

  /** Grey levels after exposure and grain; the grain is a function of the seed alone. */
  byte[] expose(long grainSeed) {
    byte[] grey = new byte[size * size];
    float[] tones = new float[TONES + 1];
    for (int i = 0; i <= TONES; i++) {
      tones[i] = (float) (255 * StrictMath.pow((double) i / TONES, thorax.gamma));
    }
    // The standard deviation of a sum of four uniform numbers from 0 to 65535 is 37837.
    float grain = (float) (255 * thorax.grain / 37837);
    float gain = (float) (thorax.gain * TONES);
    long state = grainSeed;
    for (int i = 0; i < grey.length; i++) {
      int tone = (int) Math.max(0, Math.min(TONES, brightness[i] * gain));
      state += 0x9E3779B97F4A7C15L;
      long bits = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
      bits ^= bits >>> 27;
      long sum = (bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48);
      float value = tones[tone] + grain * (sum - 131070);
      grey[i] = (byte) Math.max(0, Math.min(255, Math.round(value)));
    }
    return grey;
  }

  /** Smooth noise around 0, within -1..1, whose bumps are about as wide as a cell. */
  static Shade noise(long seed, double cell) {
    int side = (int) (2.4 / cell) + 2;
    float[] lattice = new float[side * side];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < lattice.length; i++) {
      lattice[i] = (float) (2 * random.nextDouble() - 1);
    }
    return (u, v) -> {
      double x = Math.max(0, Math.min(side - 1.001, (u + 1.2) / cell));
      double y = Math.max(0, Math.min(side - 1.001, (v + 1.2) / cell));
      int column = (int) x;
      int row = (int) y;
      double fx = x - column;
      double fy = y - row;
      fx = fx * fx * (3 - 2 * fx);
      fy = fy * fy * (3 - 2 * fy);
      int at = row * side + column;
      double above = lattice[at] + fx * (lattice[at + 1] - lattice[at]);
      double below = lattice[at + side] + fx * (lattice[at + side + 1] - lattice[at + side]);
      return above + fy * (below - above);
    };
  }
}
