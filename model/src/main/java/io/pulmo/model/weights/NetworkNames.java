package io.pulmo.model.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file's arrays by torchvision's present names, of those that CheXNet weights in the wild carry.
 *
 * <p>{@code module.} is {@code torch.nn.DataParallel}'s; {@code densenet121.} that of the
 * reimplementations' class around torchvision's network; {@code model.} another such class'. Before
 * torchvision 0.2.2, a dense layer's parts were {@code norm.1}, {@code conv.2} and so on. {@code
 * classifier.0} is a linear layer before a sigmoid.
 */
final class NetworkNames {
  /** PyTorch's count of the batches that a batch norm has seen: an integer that no pass needs. */
  private static final String COUNTER = "num_batches_tracked";

  private static final List<String> PREFIXES = List.of("module.", "densenet121.", "model.");
  private static final String WRAPPED_CLASSIFIER = "classifier.0.";
  private static final int LONGEST = 512;
  private static final Pattern FORMER =
      Pattern.compile("(.*\\.denselayer[0-9]{1,4}\\.(?:norm|conv))\\.([12]\\..*)");

  private NetworkNames() {}

  /**
   * An array and what the file calls it.
   *
   * @param fileName its name there
   * @param array the array
   */
  record Found(String fileName, StoredArray array) {}

  /** The arrays by the network's names; counters of batches are left out. */
  static SequencedMap<String, Found> of(SequencedMap<String, StoredArray> arrays) throws Malformed {
    SequencedMap<String, Found> found = new LinkedHashMap<>();
    List<String> twice = new ArrayList<>();
    arrays.forEach(
        (fileName, array) -> {
          if (!fileName.endsWith(COUNTER)) {
            String name = networkName(fileName);
            Found other = found.putIfAbsent(name, new Found(fileName, array));
            if (other != null) {
              twice.add("%s and %s are both %s".formatted(other.fileName, fileName, name));
            }
          }
        });
    if (!twice.isEmpty()) {
      throw new Malformed("has arrays twice: " + Listing.of(twice) + "; keep one of each");
    }
    return found;
  }

  /** The network's name of what a file calls so. */
  static String networkName(String fileName) {
    if (fileName.length() > LONGEST) {
      return fileName; // surplus, whatever it is
    }
    String name = fileName;
    for (boolean stripped = true; stripped; ) {
      stripped = false;
      for (String prefix : PREFIXES) {
        if (name.startsWith(prefix)) {
          name = name.substring(prefix.length());
          stripped = true;
        }
      }
    }
    if (name.startsWith(WRAPPED_CLASSIFIER)) {
      return "classifier." + name.substring(WRAPPED_CLASSIFIER.length());
    }
    Matcher former = FORMER.matcher(name);
    return former.matches() ? former.group(1) + former.group(2) : name;
  }
}
