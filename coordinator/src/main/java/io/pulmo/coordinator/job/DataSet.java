package io.pulmo.coordinator.job;

import io.pulmo.model.data.ImageManifest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A job's images as its members hold them. Members may hold different parts; two that hold other
 * bytes under one name are not let in together. For one thread.
 */
final class DataSet {
  private static final int NAMED = 3;

  private final List<String> names;
  private final Map<String, Holder> holders = new LinkedHashMap<>();

  /** The last answer to what some members lack, until somebody tells or goes. */
  private @Nullable Lacking lacking;

  private record Holder(String name, ImageManifest manifest, boolean inView) {}

  private record Lacking(Set<String> memberIds, Optional<String> words) {}

  /**
   * Nobody holds anything yet.
   *
   * @param names as {@link ImageManifest#names} gives them
   */
  DataSet(List<String> names) {
    this.names = names;
  }

  /**
   * A member that is not to take part.
   *
   * @param reason for people, with both sides of the mismatch
   */
  record Refusal(String memberId, String reason) {}

  /**
   * A member says what it holds. Of two that differ, the one that came later is refused; but one
   * that trains in the job's view is believed before one that does not, which a new leader may well
   * hear first.
   *
   * @param manifest short, encoded, as it came
   * @param inView whether the member is in the job's view
   * @return whom that makes refused: this member, or others let in before; mostly nobody
   */
  List<Refusal> tell(String memberId, String name, byte[] manifest, boolean inView) {
    lacking = null;
    ImageManifest told;
    try {
      told = ImageManifest.decodeShort(manifest, names.size());
    } catch (IllegalArgumentException e) {
      return List.of(
          new Refusal(
              memberId,
              "worker %s tells in another way what images it holds (%s): give all nodes one version of Pulmo"
                  .formatted(name, e.getMessage())));
    }
    holders.remove(memberId);
    List<Refusal> refusals = new ArrayList<>();
    for (Map.Entry<String, Holder> other : holders.entrySet()) {
      Holder held = other.getValue();
      if (Arrays.equals(held.manifest.encoded(), told.encoded())) {
        // Mostly all hold the same: then one copy of it is enough.
        told = held.manifest;
      } else {
        Optional<Integer> different = told.firstDifference(held.manifest);
        if (different.isPresent() && (held.inView || !inView)) {
          return List.of(
              new Refusal(memberId, words(name, told, held.name, held.manifest, different.get())));
        }
        if (different.isPresent()) {
          refusals.add(
              new Refusal(
                  other.getKey(), words(held.name, held.manifest, name, told, different.get())));
        }
      }
    }
    refusals.forEach(refusal -> holders.remove(refusal.memberId));
    holders.put(memberId, new Holder(name, told, inView));
    return refusals;
  }

  private String words(
      String refused, ImageManifest its, String kept, ImageManifest other, int image) {
    int differences = its.differences(other);
    return "worker %1$s holds other data than worker %2$s under the same name: %3$s has %4$s on %1$s, %5$s on %2$s%6$s; give both the same files"
        .formatted(
            refused,
            kept,
            names.get(image),
            its.describe(image),
            other.describe(image),
            differences == 1
                ? ""
                : String.format(Locale.ROOT, " (and %,d more images differ)", differences - 1));
  }

  /** A member is gone. */
  void forget(String memberId) {
    lacking = null;
    holders.remove(memberId);
  }

  /**
   * What nobody of some members holds, with the count and the first names; empty if nothing, or as
   * long as not all of them have told.
   */
  Optional<String> lack(Collection<String> memberIds) {
    Set<String> asked = Set.copyOf(memberIds);
    Lacking known = lacking;
    if (known == null || !known.memberIds.equals(asked)) {
      known = new Lacking(asked, find(asked));
      lacking = known;
    }
    return known.words;
  }

  private Optional<String> find(Set<String> memberIds) {
    if (!holders.keySet().containsAll(memberIds)) {
      return Optional.empty();
    }
    List<ImageManifest> manifests =
        holders.entrySet().stream()
            .filter(holder -> memberIds.contains(holder.getKey()))
            .map(holder -> holder.getValue().manifest)
            .distinct()
            .toList();
    List<String> first = new ArrayList<>();
    int missing = 0;
    for (int i = 0; i < names.size(); i++) {
      int image = i;
      if (manifests.stream().noneMatch(manifest -> manifest.holds(image))) {
        missing++;
        if (first.size() < NAMED) {
          first.add(names.get(i));
        }
      }
    }
    return missing == 0
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "nobody holds %,d of the %,d images that the lists name: %s%s; put them under the --data of a worker",
                missing,
                names.size(),
                String.join(", ", first),
                missing > first.size() ? ", ..." : ""));
  }
}
