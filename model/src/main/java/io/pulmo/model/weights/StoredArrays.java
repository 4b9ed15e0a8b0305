package io.pulmo.model.weights;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * The arrays of an open file, not read yet.
 *
 * @param arrays by the file's names, in its order
 * @param metadata free strings, where the format has them
 */
record StoredArrays(SequencedMap<String, StoredArray> arrays, Map<String, String> metadata) {
  StoredArrays {
    arrays = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(arrays));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }
}
