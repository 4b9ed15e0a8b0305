package io.pulmo.model.data;

import io.pulmo.model.Finding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A data set of drawn chest radiographs with planted findings, in the file formats of ChestX-ray14.
 *
 * <p>Bodies differ by patient, and each patient has two to five images. Patients, not images, are
 * split 70/10/20 into lists for training, validation and test. The same settings give the same
 * bytes, on however many cores; another build of zlib may pack the same pixels differently.
 */
public final class SyntheticRadiographs {
  /**
   * Positives of each finding among the 78,468 images of ChestX-ray14's training list (the 70/10/20
   * split by patient that the CheXNet reimplementations use).
   */
  private static final int[] CHEST_X_RAY_14_POSITIVES = {
    7996, 1950, 9261, 13914, 3988, 4375, 978, 3705, 3263, 1690, 1799, 1158, 2279, 144
  };

  private static final double CHEST_X_RAY_14_IMAGES = 78_468;

  /** How often each finding is positive in a balanced set. */
  private static final double BALANCED = 0.2;

  /** Of ten patients, how many have two, three, four and five images. */
  private static final int[] IMAGES_OF_TEN_PATIENTS = {2, 2, 2, 2, 3, 3, 3, 4, 4, 5};

  /** The side of a drawn chest in millimetres, for the spacing of its pixels. */
  private static final double FIELD_MILLIMETRES = 366;

  private SyntheticRadiographs() {}

  /**
   * What to generate.
   *
   * @param patients 10 to 99,999; each has about three images
   * @param seed of everything
   * @param sizePixels the side of the square images, 64 to 2048
   * @param balanced whether each finding is positive in about a fifth of the images, independently
   *     of the others; otherwise as often as in ChestX-ray14, where hernia is one image in 545
   */
  public record Settings(int patients, long seed, int sizePixels, boolean balanced) {
    /** Checks the ranges. */
    public Settings {
      if (patients < 10 || patients > 99_999) {
        throw new IllegalArgumentException(
            "patients is " + patients + ", expected a number from 10 to 99999");
      }
      if (sizePixels < 64 || sizePixels > 2048) {
        throw new IllegalArgumentException(
            "sizePixels is " + sizePixels + ", expected a number from 64 to 2048");
      }
    }

    /** How many images these settings give. */
    public int images() {
      return IntStream.range(0, patients).map(this::imagesOf).sum();
    }

    private int imagesOf(int patient) {
      return IMAGES_OF_TEN_PATIENTS[random(seed, patient).nextInt(IMAGES_OF_TEN_PATIENTS.length)];
    }
  }

  /**
   * What was generated.
   *
   * @param patients in all lists
   * @param images in all lists
   * @param trainImages in train_list.txt
   * @param validationImages in val_list.txt
   * @param testImages in test_list.txt
   * @param positives images with each finding, in the order of {@link Finding}
   */
  public record Summary(
      int patients,
      int images,
      int trainImages,
      int validationImages,
      int testImages,
      long[] positives) {}

  private record Drawn(String name, Set<Finding> findings, List<Lesions.Box> boxes) {}

  private record Patient(int age, char sex, List<Drawn> images) {}

  /**
   * Writes {@code images/NNNNNNNN_MMM.png} (8-bit grey), {@code train_list.txt}, {@code
   * val_list.txt}, {@code test_list.txt}, {@code bbox_list.csv} (boxes in pixels of these images)
   * and {@code data_entry.csv}. Each file appears whole; files of the same names are replaced, and
   * the lists come last.
   *
   * @param settings what to draw
   * @param out the folder, made if need be
   * @param progress told how many images are written, by one thread at a time
   * @throws IOException if a file cannot be written
   */
  public static Summary generate(Settings settings, Path out, IntConsumer progress)
      throws IOException {
    Path folder = Files.createDirectories(out.resolve("images"));
    Object turn = new Object();
    int[] written = new int[1];
    Runnable tick =
        () -> {
          synchronized (turn) {
            progress.accept(++written[0]);
          }
        };
    List<Patient> patients;
    try {
      patients =
          IntStream.range(0, settings.patients())
              .parallel()
              .mapToObj(patient -> draw(settings, patient, folder, tick))
              .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    return write(settings, patients, out);
  }

  /**
   * A patient's own stream. Seeds that differ by the generator's step would give one stream twice.
   */
  private static SplittableRandom random(long seed, int patient) {
    return new SplittableRandom(
        new SplittableRandom(seed).nextLong() ^ 0xD1342543DE82EF95L * (patient + 1L));
  }

  /** What share of the images has a finding. */
  static double prevalence(Finding finding, boolean balanced) {
    return balanced
        ? BALANCED
        : CHEST_X_RAY_14_POSITIVES[finding.ordinal()] / CHEST_X_RAY_14_IMAGES;
  }

  private static Patient draw(Settings settings, int patient, Path folder, Runnable tick) {
    SplittableRandom random = random(settings.seed(), patient).split();
    Thorax body = new Thorax(random);
    int age = 18 + random.nextInt(70);
    char sex = random.nextInt(2) == 0 ? 'F' : 'M';
    List<Drawn> images = new ArrayList<>();
    for (int followUp = 0; followUp < settings.imagesOf(patient); followUp++) {
      Set<Finding> findings = EnumSet.noneOf(Finding.class);
      for (Finding finding : Finding.ALL) {
        if (random.nextDouble() < prevalence(finding, settings.balanced())) {
          findings.add(finding);
        }
      }
      SplittableRandom own = random.split();
      int size = settings.sizePixels();
      Radiograph radiograph = new Radiograph(size, new Thorax(body, own), findings, own);
      String name = String.format(Locale.ROOT, "%08d_%03d.png", patient + 1, followUp);
      write(folder.resolve(name), GreyPng.encode(size, size, radiograph.grey()));
      images.add(new Drawn(name, findings, radiograph.boxes()));
      tick.run();
    }
    return new Patient(age, sex, images);
  }

  private static Summary write(Settings settings, List<Patient> patients, Path out)
      throws IOException {
    StringBuilder boxes = new StringBuilder("Image Index,Finding Label,Bbox [x,y,w,h],,,\n");
    StringBuilder entries =
        new StringBuilder(
            "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
                + "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n");
    int size = settings.sizePixels();
    String spacing = String.format(Locale.ROOT, "%.3f", FIELD_MILLIMETRES / size);
    long[] positives = new long[Finding.COUNT];
    for (int p = 0; p < patients.size(); p++) {
      Patient patient = patients.get(p);
      for (int i = 0; i < patient.images().size(); i++) {
        Drawn image = patient.images().get(i);
        for (Lesions.Box box : image.boxes()) {
          boxes.append(
              String.format(
                  Locale.ROOT,
                  "%s,%s,%d,%d,%d,%d\n",
                  image.name(),
                  box.finding().label(),
                  box.x(),
                  box.y(),
                  box.width(),
                  box.height()));
        }
        image.findings().forEach(finding -> positives[finding.ordinal()]++);
        String labels =
            image.findings().isEmpty()
                ? "No Finding"
                : image.findings().stream().map(Finding::label).collect(Collectors.joining("|"));
        entries.append(
            String.format(
                Locale.ROOT,
                "%s,%s,%d,%d,%d,%s,PA,%d,%d,%s,%s\n",
                image.name(),
                labels,
                i,
                p + 1,
                patient.age(),
                patient.sex(),
                size,
                size,
                spacing,
                spacing));
      }
    }
    List<Integer> order = shuffled(patients.size(), settings.seed());
    int train = patients.size() * 7 / 10;
    int validation = patients.size() / 10;
    try {
      write(out.resolve("bbox_list.csv"), bytes(boxes));
      write(out.resolve("data_entry.csv"), bytes(entries));
      int[] counts = {
        list(out.resolve("train_list.txt"), patients, order.subList(0, train)),
        list(out.resolve("val_list.txt"), patients, order.subList(train, train + validation)),
        list(
            out.resolve("test_list.txt"), patients, order.subList(train + validation, order.size()))
      };
      return new Summary(
          patients.size(),
          counts[0] + counts[1] + counts[2],
          counts[0],
          counts[1],
          counts[2],
          positives);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static List<Integer> shuffled(int count, long seed) {
    SplittableRandom random = new SplittableRandom(~seed);
    List<Integer> order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      Integer moved = order.get(i);
      order.set(i, order.get(j));
      order.set(j, moved);
    }
    return order;
  }

  private static int list(Path file, List<Patient> patients, List<Integer> members) {
    StringBuilder lines = new StringBuilder();
    int images = 0;
    for (int member : members.stream().sorted().toList()) {
      for (Drawn image : patients.get(member).images()) {
        lines.append(image.name());
        for (Finding finding : Finding.ALL) {
          lines.append(image.findings().contains(finding) ? " 1" : " 0");
        }
        lines.append('\n');
        images++;
      }
    }
    write(file, bytes(lines));
    return images;
  }

  private static byte[] bytes(StringBuilder text) {
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Writes under another name first, so that the file is whole or not there. */
  private static void write(Path file, byte[] content) {
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    try {
      Files.write(temporary, content);
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
