package io.pulmo.model.data;

import static io.pulmo.model.data.Thorax.between;
import static io.pulmo.model.data.Thorax.sign;

import io.pulmo.model.Finding;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** One drawn image: the chest, its vessels and bones, the findings planted in it, the grain. */
final class Radiograph {
  private final Thorax thorax;
  private final Canvas canvas;
  private final SplittableRandom random;
  private final Lesions lesions;
  private final byte[] grey;

  Radiograph(int size, Thorax thorax, Set<Finding> findings, SplittableRandom random) {
    this.thorax = thorax;
    this.canvas = new Canvas(size, thorax);
    this.random = random;
    this.lesions = new Lesions(thorax, canvas, random);
    List<Runnable> paints = new ArrayList<>();
    // In the enum's order, whatever order the set has. First all change the body, then all paint.
    for (Finding finding : Finding.ALL) {
      if (findings.contains(finding)) {
        paints.add(lesions.plant(finding));
      }
    }
    canvas.add(thorax::brightness);
    paintVessels();
    paintBones();
    paints.forEach(Runnable::run);
    paintTexture();
    this.grey = canvas.expose(random.nextLong());
  }

  /** Rows of grey levels, from the top. */
  byte[] grey() {
    return grey;
  }

  /** One box or more for each planted finding. */
  List<Lesions.Box> boxes() {
    return lesions.boxes();
  }

  /** Vessels that fan out from each hilum and thin as they go. */
  private void paintVessels() {
    Canvas.Shade mask = (u, v) -> thorax.air(u, v) * thorax.tissue(u, v);
    for (int side = 0; side < 2; side++) {
      for (int i = 0; i < 13; i++) {
        double angle = -1.35 + 2.7 * i / 12 + between(random, -0.08, 0.08);
        double u = sign(side) * 0.075;
        double v = 0.0 + 0.03 * angle;
        branch(u, v, side, angle, 0.0085, mask, 7);
      }
    }
  }

  private void branch(
      double u, double v, int side, double angle, double halfWidth, Canvas.Shade mask, int pieces) {
    double heading = angle;
    double amount = thorax.vesselContrast;
    for (int piece = 0; piece < pieces; piece++) {
      double length = between(random, 0.026, 0.040);
      double endU = u + sign(side) * length * StrictMath.cos(heading);
      double endV = v + length * StrictMath.sin(heading);
      canvas.stroke(u, v, endU, endV, halfWidth, amount, mask);
      u = endU;
      v = endV;
      heading += between(random, -0.25, 0.25);
      halfWidth *= 0.88;
      amount *= 0.92;
      if (piece == 2 || piece == 4) {
        branch(u, v, side, heading + 0.5, 0.8 * halfWidth, mask, pieces - piece - 2);
      }
    }
  }

  /** Collar bones and the letter that the radiographer laid on the plate. */
  private void paintBones() {
    Canvas.Shade everywhere = (u, v) -> 1;
    for (int side = 0; side < 2; side++) {
      double sign = sign(side);
      double inner = between(random, -0.285, -0.265);
      double outer = inner - between(random, 0.02, 0.05);
      canvas.stroke(sign * 0.04, inner, sign * 0.16, inner - 0.005, 0.018, 0.13, everywhere);
      canvas.stroke(sign * 0.16, inner - 0.005, sign * 0.36, outer, 0.018, 0.13, everywhere);
    }
    canvas.stroke(0.42, -0.44, 0.42, -0.38, 0.008, 0.7, everywhere);
    canvas.stroke(0.414, -0.38, 0.45, -0.38, 0.008, 0.7, everywhere);
  }

  /** Uneven tissue, coarse and fine. */
  private void paintTexture() {
    Canvas.Shade coarse = Canvas.noise(random.nextLong(), 0.09);
    Canvas.Shade middle = Canvas.noise(random.nextLong(), 0.035);
    Canvas.Shade fine = Canvas.noise(random.nextLong(), 0.012);
    double amount = thorax.texture;
    canvas.add(
        (u, v) -> {
          double lungs = thorax.tissue(u, v);
          return amount
              * (0.9 * coarse.at(u, v) + 0.6 * middle.at(u, v) + 0.8 * lungs * fine.at(u, v));
        });
  }
}
