package io.pulmo.model.data;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * NIH's images in lists for training, validation and test, no patient in two of them.
 *
 * <p>Patients are drawn for the lists in proportion to how many images each still lacks, those with
 * the most images first. So each list gets its share of patients with many images and with few, and
 * the last ones drawn, who have one image each, bring every list to its size exactly where there
 * are enough of them.
 *
 * @param lists train, validation and test, each with one image or more, in the order of the CSV
 * @param leftOut images of the CSV that are in no list
 */
public record PatientSplit(List<SplitList> lists, int leftOut) {
  private static final List<String> FILE_NAMES =
      List.of("train_list.txt", "val_list.txt", "test_list.txt");
  private static final int TRAIN = 0;
  private static final int VALIDATION = 1;
  private static final int TEST = 2;

  /** Copies the lists. */
  public PatientSplit {
    lists = List.copyOf(lists);
  }

  /**
   * Draws a split of 70, 10 and 20 per cent of the images.
   *
   * @param seed the same one gives the same lists
   * @throws MetadataException if there are fewer than three patients
   */
  public static PatientSplit draw(List<NihImage> images, long seed) throws MetadataException {
    int validation = share(images.size(), 10, 100);
    int test = share(images.size(), 20, 100);
    int[] targets = {images.size() - validation - test, validation, test};
    return of(images, images, assign(images, targets, seed), targets);
  }

  /**
   * NIH's own split, with a validation list drawn of its images for training: 10 of 80 per cent.
   *
   * @param trainVal NIH's {@code train_val_list.txt}
   * @param test NIH's {@code test_list.txt}
   * @param seed the same one gives the same lists
   * @throws MetadataException if a name is not among the images or in both lists, a patient is in
   *     both lists, or there are fewer than two patients to draw from
   */
  public static PatientSplit ofNih(
      List<NihImage> images, NihNames trainVal, NihNames test, long seed) throws MetadataException {
    Map<String, NihImage> byName = new HashMap<>();
    images.forEach(image -> byName.put(image.name(), image));
    Map<Integer, String> trained = new HashMap<>();
    for (NihImage image : named(trainVal, byName)) {
      trained.put(image.patient(), image.name());
    }
    List<NihImage> tested = named(test, byName);
    for (int i = 0; i < tested.size(); i++) {
      NihImage image = tested.get(i);
      String other = trained.get(image.patient());
      if (other != null) {
        throw test.wrong(
            i,
            "'" + image.name() + "' of patient " + image.patient(),
            "no patient who is in " + trainVal.file() + " too, there with '" + other + "'");
      }
    }
    Set<String> wanted = new HashSet<>(trainVal.names());
    List<NihImage> pool = images.stream().filter(image -> wanted.contains(image.name())).toList();
    int validation = share(pool.size(), 10, 80);
    int[] targets = {pool.size() - validation, validation, tested.size()};
    Map<Integer, Integer> lists =
        assign(pool, new int[] {targets[TRAIN], targets[VALIDATION]}, seed);
    tested.forEach(image -> lists.put(image.patient(), TEST));
    wanted.addAll(test.names());
    return of(
        images,
        images.stream().filter(image -> wanted.contains(image.name())).toList(),
        lists,
        targets);
  }

  private static List<NihImage> named(NihNames list, Map<String, NihImage> byName)
      throws MetadataException {
    List<NihImage> images = new ArrayList<>();
    for (int i = 0; i < list.names().size(); i++) {
      NihImage image = byName.get(list.names().get(i));
      if (image == null) {
        throw list.wrong(i, "'" + list.names().get(i) + "'", "an image that the CSV has");
      }
      images.add(image);
    }
    return images;
  }

  private static int share(int images, int part, int whole) {
    return (int) Math.round((double) images * part / whole);
  }

  /** The list of each patient. */
  private static Map<Integer, Integer> assign(List<NihImage> images, int[] targets, long seed)
      throws MetadataException {
    Map<Integer, Integer> sizes = new TreeMap<>();
    images.forEach(image -> sizes.merge(image.patient(), 1, Integer::sum));
    if (sizes.size() < targets.length) {
      throw new MetadataException(
          "found images of "
              + sizes.size()
              + " patients to split, expected at least "
              + targets.length
              + ", one for each list");
    }
    List<Integer> patients = new ArrayList<>(sizes.keySet());
    // Stable: by number where sizes are equal, so that the order of rows does not matter.
    patients.sort(
        Comparator.comparing((Integer patient) -> sizes.getOrDefault(patient, 0)).reversed());
    SplittableRandom random = new SplittableRandom(seed);
    int[] lacking = targets.clone();
    List<List<Integer>> members = new ArrayList<>();
    Arrays.stream(targets).forEach(target -> members.add(new ArrayList<>()));
    for (int patient : patients) {
      int size = sizes.getOrDefault(patient, 0);
      int list = draw(lacking, size, random);
      lacking[list] -= size;
      members.get(list).add(patient);
    }
    // Among few patients a small list may have got none.
    for (List<Integer> list : members) {
      if (list.isEmpty()) {
        list.add(members.stream().max(Comparator.comparing(List::size)).orElseThrow().removeLast());
      }
    }
    Map<Integer, Integer> listOf = new HashMap<>();
    for (int list = 0; list < members.size(); list++) {
      for (int patient : members.get(list)) {
        listOf.put(patient, list);
      }
    }
    return listOf;
  }

  /** One of the lists that lack at least so many images; the one that lacks most if none does. */
  private static int draw(int[] lacking, int size, SplittableRandom random) {
    int sum = Arrays.stream(lacking).filter(lack -> lack >= size).sum();
    if (sum == 0) {
      int most = 0;
      for (int list = 1; list < lacking.length; list++) {
        most = lacking[list] > lacking[most] ? list : most;
      }
      return most;
    }
    int left = random.nextInt(sum);
    int list = -1;
    while (left >= 0) {
      list++;
      left -= lacking[list] >= size ? lacking[list] : 0;
    }
    return list;
  }

  private static PatientSplit of(
      List<NihImage> all, List<NihImage> listed, Map<Integer, Integer> listOf, int[] targets) {
    List<List<NihImage>> lists = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (NihImage image : listed) {
      lists.get(listOf.getOrDefault(image.patient(), TEST)).add(image);
    }
    List<SplitList> split = new ArrayList<>();
    for (int i = 0; i < FILE_NAMES.size(); i++) {
      split.add(new SplitList(FILE_NAMES.get(i), lists.get(i), targets[i]));
    }
    return new PatientSplit(split, all.size() - listed.size());
  }

  /**
   * Writes the three lists, each whole or not at all. Files that are there with the same bytes are
   * left.
   *
   * @param folder made if need be
   * @throws FileAlreadyExistsException if there is another file of one of the names; then none is
   *     written
   * @throws IOException if a file cannot be written
   */
  public void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    List<SplitList> missing = new ArrayList<>();
    for (SplitList list : lists) {
      Path file = folder.resolve(list.fileName());
      if (!Files.exists(file)) {
        missing.add(list);
      } else if (!Arrays.equals(Files.readAllBytes(file), list.bytes())) {
        throw new FileAlreadyExistsException(
            file.toString(),
            null,
            "is there and not what this split would write; give another folder, or remove it first");
      }
    }
    for (SplitList list : missing) {
      Path file = folder.resolve(list.fileName());
      Path temporary = file.resolveSibling(list.fileName() + ".part");
      Files.write(temporary, list.bytes());
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }
  }
}
