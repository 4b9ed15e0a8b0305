package io.pulmo.model.data;

import java.util.SplittableRandom;

/**
 * The measures of one chest as one image shows it.
 *
 * <p>Lengths are fractions of the image's side, in a frame that moves with the body: u runs to the
 * viewer's right from the spine, v down from the middle of the image. Side 0 is the viewer's left
 * (u below 0), side 1 the right. Brightness runs from 0 (air) to 1 (bone).
 */
final class Thorax {
  double scale;
  double cosine;
  double sine;
  double shiftX;
  double shiftY;

  double torsoHalfWidth;
  double lungHalfWidth;
  double lungHalfHeight;
  double lungDarkness;
  final double[] diaphragm = new double[2];
  double dome;
  double heartU;
  double heartV;
  double heartHalfWidth;
  double heartHalfHeight;
  double spineBend;
  double ribPhase;
  double ribSpacing;
  double ribContrast;
  double vesselContrast;
  double texture;

  /** The side whose lung has come off the chest wall; -1 for none. */
  int collapsedSide = -1;

  /** Half-axes of the collapsed lung relative to the whole one. */
  double collapse;

  /** How far the collapsed lung has moved towards the spine. */
  double collapsedInwards;

  double gain;
  double gamma;
  double grain;

  /** A patient's own body: what all images of the patient share. */
  Thorax(SplittableRandom random) {
    scale = between(random, 0.94, 1.06);
    tilt(between(random, -0.06, 0.06));
    torsoHalfWidth = between(random, 0.40, 0.47);
    lungHalfWidth = between(random, 0.130, 0.148);
    lungHalfHeight = between(random, 0.350, 0.385);
    lungDarkness = between(random, 0.58, 0.66);
    diaphragm[0] = between(random, 0.245, 0.265);
    diaphragm[1] = diaphragm[0] + between(random, 0.010, 0.022);
    dome = between(random, 0.055, 0.075);
    heartU = between(random, 0.042, 0.056);
    heartV = between(random, 0.135, 0.155);
    heartHalfWidth = between(random, 0.108, 0.122);
    heartHalfHeight = between(random, 0.112, 0.126);
    spineBend = between(random, -0.012, 0.012);
    ribPhase = random.nextDouble();
    ribSpacing = between(random, 0.074, 0.086);
    ribContrast = between(random, 0.05, 0.08);
    vesselContrast = between(random, 0.12, 0.17);
    texture = between(random, 0.025, 0.04);
    gain = between(random, 0.88, 1.12);
    gamma = between(random, 0.88, 1.16);
    grain = between(random, 0.012, 0.028);
  }

  /** The same patient on another day: another breath, another place on the plate. */
  Thorax(Thorax patient, SplittableRandom random) {
    scale = patient.scale * between(random, 0.98, 1.02);
    double turn = between(random, -0.02, 0.02);
    cosine = patient.cosine - patient.sine * turn;
    sine = patient.sine + patient.cosine * turn;
    shiftX = between(random, -0.02, 0.02);
    shiftY = between(random, -0.02, 0.02);
    double breath = between(random, -0.008, 0.008);
    torsoHalfWidth = patient.torsoHalfWidth;
    lungHalfWidth = patient.lungHalfWidth;
    lungHalfHeight = patient.lungHalfHeight + breath;
    lungDarkness = patient.lungDarkness;
    diaphragm[0] = patient.diaphragm[0] + breath;
    diaphragm[1] = patient.diaphragm[1] + breath;
    dome = patient.dome;
    heartU = patient.heartU;
    heartV = patient.heartV;
    heartHalfWidth = patient.heartHalfWidth;
    heartHalfHeight = patient.heartHalfHeight;
    spineBend = patient.spineBend;
    ribPhase = patient.ribPhase;
    ribSpacing = patient.ribSpacing;
    ribContrast = patient.ribContrast;
    vesselContrast = patient.vesselContrast;
    texture = patient.texture;
    gain = patient.gain * between(random, 0.97, 1.03);
    gamma = patient.gamma;
    grain = patient.grain;
  }

  private void tilt(double radians) {
    cosine = StrictMath.cos(radians);
    sine = StrictMath.sin(radians);
  }

  static double between(SplittableRandom random, double low, double high) {
    return low + (high - low) * random.nextDouble();
  }

  /** 1 below low, 0 above high, smooth between. */
  static double fall(double x, double low, double high) {
    if (x <= low) {
      return 1;
    }
    if (x >= high) {
      return 0;
    }
    double t = (high - x) / (high - low);
    return t * t * (3 - 2 * t);
  }

  static int side(double u) {
    return u < 0 ? 0 : 1;
  }

  static double sign(int side) {
    return side == 0 ? -1 : 1;
  }

  /** The distance of the lung's axis from the spine. */
  double lungAxis(double v) {
    return 0.188 + 0.10 * v;
  }

  /** Half the lung's width at its axis. */
  double lungReach(double v) {
    return lungHalfWidth + 0.03 * v;
  }

  /** 0 on the lung's axis, 1 on its outline, the diaphragm aside. */
  double lungRadiusSquared(double u, double v) {
    double across = (Math.abs(u) - lungAxis(v)) / lungReach(v);
    double along = (v - 0.01) / lungHalfHeight;
    return across * across + along * along;
  }

  /** Where the diaphragm's dome lies. */
  double diaphragmAt(double u) {
    double across = (Math.abs(u) - 0.19) / 0.18;
    return diaphragm[side(u)] - dome * (1 - across * across);
  }

  /** 1 in the lungs, 0 outside, the heart not taken off. */
  double lung(double u, double v) {
    double radius = lungRadiusSquared(u, v);
    if (radius >= 1.1) {
      return 0;
    }
    double edge = diaphragmAt(u);
    return fall(radius, 0.88, 1.1) * fall(v, edge - 0.01, edge + 0.004);
  }

  /** 1 in the heart's shadow. */
  double heart(double u, double v) {
    double du = u - heartU;
    double dv = v - heartV;
    double across = (0.90 * du + 0.44 * dv) / heartHalfWidth;
    double along = (0.90 * dv - 0.44 * du) / heartHalfHeight;
    return fall(across * across + along * along, 0.82, 1.12);
  }

  /** 1 in the shadow of the great vessels, between the lungs. */
  double mediastinum(double u, double v) {
    double knob = u - 0.055;
    double aorta = fall((knob * knob + (v + 0.11) * (v + 0.11)) / 0.0014, 0.7, 1.3);
    return Math.max(fall(Math.abs(u), 0.05, 0.075), 0.8 * aorta);
  }

  /** How much of the air in the lung is seen: 1 in free lung, 0 behind heart and outside. */
  double air(double u, double v) {
    double lung = lung(u, v);
    if (lung == 0) {
      return 0;
    }
    return lung * (1 - 0.88 * heart(u, v)) * (1 - 0.9 * mediastinum(u, v));
  }

  /**
   * How far a point lies outside the outline of the collapsed lung, or within it where negative:
   * exact near the outline, which is all that its line needs.
   */
  double outsideCollapsed(double u, double v) {
    double halfWidth = lungReach(v) * collapse;
    double halfHeight = lungHalfHeight * (collapse + 0.08);
    double across = (Math.abs(u) - lungAxis(v) + collapsedInwards) / halfWidth;
    double along = (v - 0.045) / halfHeight;
    double square = across * across + along * along;
    double slopeU = across / halfWidth;
    double slopeV = along / halfHeight;
    double slope = Math.sqrt(slopeU * slopeU + slopeV * slopeV);
    return (square - Math.sqrt(square)) / Math.max(slope, 1e-6);
  }

  /** 1 where the lung has its vessels, 0 in the gas of a pneumothorax. */
  double tissue(double u, double v) {
    if (collapsedSide < 0 || side(u) != collapsedSide) {
      return 1;
    }
    return fall(outsideCollapsed(u, v), -0.002, 0.002);
  }

  /** How bright the chest is without vessels, lesions and noise. */
  double brightness(double u, double v) {
    double neck = fall(v, -0.40, -0.24);
    double width = torsoHalfWidth - neck * neck * (torsoHalfWidth - 0.10) - 0.05 * Math.max(0, v);
    double distance = Math.abs(u);
    double body = fall(distance, width - 0.012, width + 0.006);
    if (body == 0) {
      return 0.03;
    }
    double across = Math.min(1, distance / width);
    double thickness = Math.sqrt(1 - across * across);
    double edge = diaphragmAt(u);
    double abdomen = 1 - fall(v, edge - 0.01, edge + 0.03);
    double sum = 0.26 + 0.26 * thickness + 0.10 * abdomen;
    double air = air(u, v);
    sum *= 1 - lungDarkness * air;
    sum += 0.10 * fall(distance, 0.045, 0.085) + 0.04 * heart(u, v);
    sum += spine(u, v) + ribs(distance, v);
    // The windpipe, and the fat that ends the skin.
    sum -= 0.07 * fall(distance, 0.010, 0.022) * fall(v, -0.14, -0.10);
    return 0.03 + body * sum;
  }

  private double spine(double u, double v) {
    double middle = spineBend * (1 - 4 * v * v);
    double distance = Math.abs(u - middle);
    if (distance > 0.04) {
      return 0;
    }
    double step = (v + 0.5) / 0.062;
    double place = Math.abs(step - Math.floor(step) - 0.5);
    return fall(distance, 0.024, 0.038) * (0.08 - 0.05 * (1 - fall(place, 0.38, 0.48)));
  }

  private double ribs(double distance, double v) {
    double cage = lungAxis(v) + lungReach(v) + 0.03;
    if (distance > cage || v < -0.40 || v > 0.34) {
      return 0;
    }
    double ends = fall(distance, cage - 0.02, cage) * fall(v, 0.28, 0.34);
    double back = (v - 0.30 * distance - 0.9 * distance * distance) / ribSpacing + ribPhase;
    double front = (v + 0.55 * distance) / (ribSpacing * 1.15) + ribPhase;
    double inBack = Math.abs(back - Math.floor(back) - 0.5);
    double inFront = Math.abs(front - Math.floor(front) - 0.5);
    // A tube of bone: its edges are brighter than its middle.
    double bone = fall(inBack, 0.17, 0.23) * (0.65 + 7 * inBack * inBack);
    double cartilage = fall(inFront, 0.12, 0.20) * (1 - fall(distance, 0.10, 0.17));
    return ribContrast * ends * (bone + 0.45 * cartilage);
  }
}
