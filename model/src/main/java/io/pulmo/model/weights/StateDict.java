package io.pulmo.model.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** The tensors of a model by name, within whatever a training script saved beside them. */
final class StateDict {
  /** Where scripts put a model's state beside the epoch, the optimizer's state and the like. */
  private static final List<String> WRAPPERS = List.of("state_dict", "model_state_dict", "model");

  private StateDict() {}

  /** The state dict that a file's object is or has. */
  static SequencedMap<String, Pickled.Array> of(Pickled root) throws Malformed {
    if (root instanceof Pickled.Dict dict) {
      if (dict.values.stream().anyMatch(Pickled.Array.class::isInstance) && !hasWrapped(dict)) {
        return tensors(dict);
      }
      return tensors(wrapped(dict));
    }
    throw new Malformed(
        "holds %s, expected a dict of tensors: save the model's state_dict()"
            .formatted(root.describe()));
  }

  /** A loss that was saved as a tensor beside it makes no state dict of a checkpoint. */
  private static boolean hasWrapped(Pickled.Dict dict) {
    for (int i = 0; i < dict.keys.size(); i++) {
      if (isWrapper(dict, i)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isWrapper(Pickled.Dict dict, int i) {
    return dict.keys.get(i) instanceof Pickled.Text(String key)
        && WRAPPERS.contains(key)
        && dict.values.get(i) instanceof Pickled.Dict;
  }

  private static Pickled.Dict wrapped(Pickled.Dict dict) throws Malformed {
    List<Pickled.Dict> found = new ArrayList<>();
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < dict.keys.size(); i++) {
      if (isWrapper(dict, i) && dict.values.get(i) instanceof Pickled.Dict inner) {
        found.add(inner);
      }
      if (keys.size() < Listing.MOST && dict.keys.get(i) instanceof Pickled.Text(String key)) {
        keys.add(key);
      }
    }
    if (found.size() != 1) {
      throw new Malformed(
          "holds a dict of %d with the keys %s, of which %d are a model's state, expected tensors or one of %s"
              .formatted(dict.keys.size(), keys, found.size(), WRAPPERS));
    }
    return found.getFirst();
  }

  private static SequencedMap<String, Pickled.Array> tensors(Pickled.Dict dict) throws Malformed {
    SequencedMap<String, Pickled.Array> tensors = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys.size(); i++) {
      if (!(dict.keys.get(i) instanceof Pickled.Text(String name))) {
        throw new Malformed(
            "has a tensor under %s, expected a name".formatted(dict.keys.get(i).describe()));
      }
      if (!(dict.values.get(i) instanceof Pickled.Array array)) {
        throw new Malformed(
            "has %s under '%s', expected a tensor".formatted(dict.values.get(i).describe(), name));
      }
      if (tensors.put(name, array) != null) {
        throw new Malformed("has two tensors named " + name);
      }
    }
    return tensors;
  }
}
