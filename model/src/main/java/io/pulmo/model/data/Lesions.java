package io.pulmo.model.data;

import static io.pulmo.model.data.Thorax.between;
import static io.pulmo.model.data.Thorax.fall;
import static io.pulmo.model.data.Thorax.side;
import static io.pulmo.model.data.Thorax.sign;

import io.pulmo.model.Finding;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The looks of the fourteen findings in one image.
 *
 * <p>Eleven change how bright a region is, as in life, so that even a thumbnail shows them. Mass,
 * nodule and pneumothorax do not: what is bright in them is made up for by what is dark about it,
 * they lie anywhere in either lung, and only who looks at the structure sees them. No finding
 * depends on left and right, since training mirrors images.
 */
final class Lesions {
  /** Where a finding is: pixels from the left and the top. */
  record Box(Finding finding, int x, int y, int width, int height) {}

  private final Thorax thorax;
  private final Canvas canvas;
  private final SplittableRandom random;
  private final List<Box> boxes = new ArrayList<>();

  Lesions(Thorax thorax, Canvas canvas, SplittableRandom random) {
    this.thorax = thorax;
    this.canvas = canvas;
    this.random = random;
  }

  /** One box or more for each finding painted so far. */
  List<Box> boxes() {
    return boxes;
  }

  /** Changes the body where the finding does, and answers what paints the rest. */
  Runnable plant(Finding finding) {
    return switch (finding) {
      case ATELECTASIS -> atelectasis();
      case CARDIOMEGALY -> cardiomegaly();
      case EFFUSION -> this::effusion;
      case INFILTRATION -> this::infiltration;
      case MASS -> this::mass;
      case NODULE -> this::nodules;
      case PNEUMONIA -> this::pneumonia;
      case PNEUMOTHORAX -> pneumothorax();
      case CONSOLIDATION -> this::consolidation;
      case EDEMA -> this::edema;
      case EMPHYSEMA -> emphysema();
      case FIBROSIS -> fibrosis();
      case PLEURAL_THICKENING -> this::pleuralThickening;
      case HERNIA -> this::hernia;
    };
  }

  /** Loss of volume: one half of the diaphragm is raised, with plates of airless lung above it. */
  private Runnable atelectasis() {
    int side = random.nextInt(2);
    thorax.diaphragm[side] -= between(random, 0.055, 0.085);
    return () -> {
      double floor = thorax.diaphragm[side] - thorax.dome;
      int plates = 2 + random.nextInt(2);
      for (int i = 0; i < plates; i++) {
        double v = floor - 0.03 - 0.035 * i;
        double u = sign(side) * between(random, 0.13, 0.17);
        double slope = between(random, -0.015, 0.015);
        double end = u + sign(side) * between(random, 0.09, 0.13);
        canvas.stroke(u, v, end, v + slope, 0.011, 0.22, thorax::lung);
      }
      double inner = sign(side) * 0.05;
      double outer = sign(side) * 0.34;
      // With the ground that the diaphragm has won.
      box(Finding.ATELECTASIS, inner, floor - 0.14, outer, floor + 0.11);
    };
  }

  private Runnable cardiomegaly() {
    double factor = between(random, 1.25, 1.45);
    thorax.heartHalfWidth *= factor;
    thorax.heartHalfHeight *= 0.5 + 0.5 * factor;
    thorax.heartU += 0.012;
    return () -> {
      double reach = 1.02 * thorax.heartHalfWidth;
      box(
          Finding.CARDIOMEGALY,
          thorax.heartU - reach,
          thorax.heartV - thorax.heartHalfHeight,
          thorax.heartU + reach,
          thorax.heartV + thorax.heartHalfHeight);
    };
  }

  /** Fluid on the diaphragm, its surface climbing the chest wall. */
  private void effusion() {
    int side = random.nextInt(2);
    double floor = thorax.diaphragm[side] - thorax.dome;
    double level = floor - between(random, 0.02, 0.08);
    double amount = between(random, 0.20, 0.26);
    double inner = sign(side) * 0.04;
    double outer = sign(side) * 0.36;
    canvas.add(
        inner,
        level - 0.15,
        outer,
        0.34,
        (u, v) -> {
          double lateral = Math.max(0, (Math.abs(u) - 0.14) / 0.2);
          double surface = level - 0.14 * lateral * lateral;
          return amount * thorax.air(u, v) * (1 - fall(v, surface - 0.012, surface + 0.012));
        });
    box(Finding.EFFUSION, inner, level - 0.10, outer, floor + thorax.dome);
  }

  /** Many small soft clouds in one region of each lung. */
  private void infiltration() {
    for (int side = 0; side < 2; side++) {
      double u = sign(side) * between(random, 0.17, 0.23);
      double v = between(random, -0.12, 0.10);
      int clouds = 9 + random.nextInt(4);
      for (int i = 0; i < clouds; i++) {
        blob(
            u + between(random, -0.09, 0.09),
            v + between(random, -0.11, 0.11),
            between(random, 0.022, 0.036),
            between(random, 0.07, 0.12));
      }
      box(Finding.INFILTRATION, u - 0.11, v - 0.13, u + 0.11, v + 0.13);
    }
  }

  private void mass() {
    double radius = between(random, 0.036, 0.050);
    double[] at = placeInLung(radius * 1.3);
    rimmed(at[0], at[1], radius, between(random, 0.30, 0.40), true);
    box(Finding.MASS, at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius);
  }

  private void nodules() {
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      double radius = between(random, 0.018, 0.026);
      double[] at = placeInLung(radius * 1.5);
      rimmed(at[0], at[1], radius, between(random, 0.42, 0.54), false);
      box(Finding.NODULE, at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius);
    }
  }

  /** A segment of lung filled with pus, the air in its bronchi still dark. */
  private void pneumonia() {
    int side = random.nextInt(2);
    double u = sign(side) * between(random, 0.16, 0.22);
    double v = between(random, -0.02, 0.13);
    double radius = between(random, 0.085, 0.115);
    blob(u, v, radius, between(random, 0.17, 0.23));
    double hilum = sign(side) * 0.09;
    for (int i = 0; i < 4; i++) {
      double turn = between(random, -0.9, 0.9);
      double startU = u - 0.5 * radius * sign(side) + 0.2 * (hilum - u);
      double startV = v + 0.35 * radius * turn;
      canvas.stroke(
          startU,
          startV,
          startU + sign(side) * 0.95 * radius,
          startV + 0.6 * radius * turn,
          0.009,
          -0.20,
          thorax::air);
    }
    box(Finding.PNEUMONIA, u - radius, v - radius, u + radius, v + radius);
  }

  /** Air in the pleural space: a fine line, and no vessels between it and the chest wall. */
  private Runnable pneumothorax() {
    int side = random.nextInt(2);
    thorax.collapsedSide = side;
    thorax.collapse = between(random, 0.58, 0.84);
    thorax.collapsedInwards = between(random, 0.018, 0.038);
    return () -> {
      double inner = sign(side) * 0.05;
      double outer = sign(side) * 0.36;
      double halfWidth = 0.011;
      canvas.add(
          inner,
          -0.40,
          outer,
          0.30,
          (u, v) -> {
            if (side(u) != side) {
              return 0;
            }
            double x = thorax.outsideCollapsed(u, v) / halfWidth;
            if (x <= -3 || x >= 3) {
              return 0;
            }
            double lateral = 1 - fall(Math.abs(u), 0.09, 0.13);
            return 0.28 * lateral * thorax.air(u, v) * balancedLine(x);
          });
      double top = 0.01 - thorax.lungHalfHeight;
      box(Finding.PNEUMOTHORAX, sign(side) * 0.10, top, outer, 0.15);
    };
  }

  /** A lobe without air: dense and even, with the fissure for a straight edge. */
  private void consolidation() {
    int side = random.nextInt(2);
    double fissure = between(random, -0.10, -0.02);
    double slope = between(random, 0.05, 0.30);
    double height = between(random, 0.13, 0.18);
    double amount = between(random, 0.20, 0.27);
    double inner = sign(side) * 0.05;
    double outer = sign(side) * 0.35;
    canvas.add(
        inner,
        fissure - height - 0.06,
        outer,
        fissure + 0.12,
        (u, v) -> {
          double edge = fissure + slope * (Math.abs(u) - 0.19);
          double inside = fall(v, edge - 0.006, edge + 0.006);
          double fade = 1 - fall(v, edge - height - 0.05, edge - height + 0.03);
          return amount * inside * fade * thorax.air(u, v);
        });
    box(Finding.CONSOLIDATION, inner, fissure - height, outer, fissure + 0.02);
  }

  /** Water in both lungs, most about the hila: a bat's wings, with fine lines at the edges. */
  private void edema() {
    double amount = between(random, 0.15, 0.22);
    for (int side = 0; side < 2; side++) {
      double u = sign(side) * 0.13;
      double reachU = between(random, 0.13, 0.16);
      double reachV = between(random, 0.20, 0.25);
      canvas.add(
          u - reachU,
          -reachV,
          u + reachU,
          reachV,
          (x, y) -> {
            double across = (x - u) / reachU;
            double along = y / reachV;
            double rest = 1 - across * across - along * along;
            return rest <= 0 ? 0 : amount * rest * thorax.air(x, y);
          });
      for (int line = 0; line < 5; line++) {
        double v = 0.03 + 0.028 * line + between(random, -0.006, 0.006);
        double end = thorax.lungAxis(v) + 0.88 * thorax.lungReach(v);
        canvas.stroke(
            sign(side) * (end - 0.05), v, sign(side) * end, v + 0.004, 0.007, 0.16, thorax::lung);
      }
    }
    box(Finding.EDEMA, -0.28, -0.22, 0.28, 0.22);
  }

  /** Lungs blown up and empty: dark, the diaphragm low and flat, vessels thin, the heart narrow. */
  private Runnable emphysema() {
    double drop = between(random, 0.02, 0.04);
    thorax.diaphragm[0] += drop;
    thorax.diaphragm[1] += drop;
    thorax.dome *= between(random, 0.25, 0.45);
    thorax.lungDarkness += between(random, 0.10, 0.15);
    thorax.lungHalfHeight += 0.015;
    thorax.vesselContrast *= 0.5;
    thorax.heartHalfWidth *= 0.92;
    return () -> box(Finding.EMPHYSEMA, -0.34, -0.36, 0.34, thorax.diaphragm[1]);
  }

  /** Scars: a net of fine lines in the lower half of both lungs, which have shrunk. */
  private Runnable fibrosis() {
    double rise = between(random, 0.015, 0.03);
    thorax.diaphragm[0] -= rise;
    thorax.diaphragm[1] -= rise;
    return () -> {
      for (int side = 0; side < 2; side++) {
        int lines = 34 + random.nextInt(10);
        for (int i = 0; i < lines; i++) {
          double v = between(random, -0.02, 0.22);
          double axis = thorax.lungAxis(v);
          double reach = thorax.lungReach(v);
          double u = sign(side) * (axis + between(random, -0.7, 0.9) * reach);
          double angle = between(random, 0, StrictMath.PI);
          double length = between(random, 0.02, 0.04);
          double endU = u + length * StrictMath.cos(angle);
          double endV = v + length * StrictMath.sin(angle);
          canvas.stroke(u, v, endU, endV, 0.007, between(random, 0.14, 0.22), thorax::air);
        }
      }
      box(Finding.FIBROSIS, -0.34, -0.02, 0.34, 0.24);
    };
  }

  /** A bright rind along the chest wall of one lung. */
  private void pleuralThickening() {
    int side = random.nextInt(2);
    double inside = between(random, 0.50, 0.62);
    double amount = between(random, 0.20, 0.28);
    double from = between(random, -0.36, -0.25);
    double to = between(random, 0.10, 0.20);
    double inner = sign(side) * 0.10;
    double outer = sign(side) * 0.37;
    canvas.add(
        inner,
        from - 0.03,
        outer,
        to + 0.03,
        (u, v) -> {
          double lateral = 1 - fall(Math.abs(u) - thorax.lungAxis(v), -0.02, 0.04);
          double ends = fall(v, to - 0.03, to + 0.03) * (1 - fall(v, from - 0.03, from + 0.03));
          double rind = 1 - fall(thorax.lungRadiusSquared(u, v), inside, inside + 0.12);
          return amount * lateral * ends * rind * thorax.lung(u, v);
        });
    box(Finding.PLEURAL_THICKENING, sign(side) * 0.18, from, outer, to);
  }

  /** Stomach in the chest: a round shadow behind the heart, its wall bright, air over fluid. */
  private void hernia() {
    double u = between(random, -0.025, 0.025);
    double v = between(random, 0.14, 0.19);
    double radius = between(random, 0.055, 0.075);
    canvas.add(
        u - radius,
        v - radius,
        u + radius,
        v + radius,
        (x, y) -> {
          double distance = Math.sqrt((x - u) * (x - u) + (y - v) * (y - v)) / radius;
          double wall = fall(Math.abs(distance - 0.86), 0.06, 0.14);
          double gas = fall(distance, 0.74, 0.84) * fall(y, v - 0.005, v + 0.005);
          double fluid = fall(distance, 0.74, 0.84) - gas;
          return 0.12 * wall - 0.26 * gas + 0.04 * fluid;
        });
    box(Finding.HERNIA, u - radius, v - radius, u + radius, v + radius);
  }

  /** A soft bright cloud in the lung. */
  private void blob(double u, double v, double radius, double amount) {
    canvas.add(
        u - radius,
        v - radius,
        u + radius,
        v + radius,
        (x, y) -> {
          double rest = 1 - ((x - u) * (x - u) + (y - v) * (y - v)) / (radius * radius);
          return rest <= 0 ? 0 : amount * Math.min(1, 1.6 * rest) * thorax.air(x, y);
        });
  }

  /** A bright round shadow whose dark halo takes away as much as its core adds. */
  private void rimmed(double u, double v, double radius, double amount, boolean lobed) {
    double phase = between(random, 0, 2 * StrictMath.PI);
    double lobeU = lobed ? 0.12 * StrictMath.cos(phase) : 0;
    double lobeV = lobed ? 0.12 * StrictMath.sin(phase) : 0;
    double reach = 2.3 * radius;
    canvas.add(
        u - reach,
        v - reach,
        u + reach,
        v + reach,
        (x, y) -> {
          double across = (x - u) / radius;
          double along = (y - v) / radius;
          // Stretched one way and shrunk the other: an oval of the same area.
          double turned = across * (1 + lobeU) + along * lobeV;
          double other = along * (1 - lobeU) + across * lobeV;
          return amount * balancedDisc(Math.sqrt(turned * turned + other * other));
        });
  }

  /** The core 1 - r⁴ (integral 2π/3) with a halo from 0.9 to 2.1 that takes the same away. */
  static double balancedDisc(double r) {
    double core = r < 1 ? 1 - r * r * r * r : 0;
    double x = (r - 1.5) / 0.6;
    double halo = x > -1 && x < 1 ? (1 - x * x) * (1 - x * x) : 0;
    // The halo's integral is 2π · 1.5 · 0.6 · 16/15 = 2π · 0.96.
    return core - halo / (3 * 0.96);
  }

  /** A bright line of half width 1 between two dark ones, of integral 0. */
  static double balancedLine(double x) {
    double core = x > -1 && x < 1 ? (1 - x * x) * (1 - x * x) : 0;
    double off = Math.abs(x) - 2;
    double flank = off > -1 && off < 1 ? (1 - off * off) * (1 - off * off) : 0;
    return core - 0.5 * flank;
  }

  /** A point of free lung, at least a margin from its outline and from the heart. */
  private double[] placeInLung(double margin) {
    for (int attempt = 0; attempt < 200; attempt++) {
      double v = between(random, -0.30, 0.22);
      double u =
          sign(random.nextInt(2))
              * (thorax.lungAxis(v) + between(random, -1, 1) * thorax.lungReach(v));
      boolean free =
          thorax.air(u, v) > 0.8
              && thorax.air(u - margin, v) > 0.6
              && thorax.air(u + margin, v) > 0.6
              && thorax.air(u, v - margin) > 0.6
              && thorax.air(u, v + margin) > 0.6;
      if (free) {
        return new double[] {u, v};
      }
    }
    // A chest with no such place: the middle of the upper field.
    return new double[] {sign(random.nextInt(2)) * thorax.lungAxis(-0.15), -0.15};
  }

  private void box(Finding finding, double u0, double v0, double u1, double v1) {
    int[] edges = canvas.pixels(u0, v0, u1, v1);
    int width = Math.max(1, edges[2] - edges[0]);
    int height = Math.max(1, edges[3] - edges[1]);
    boxes.add(new Box(finding, edges[0], edges[1], width, height));
  }
}
