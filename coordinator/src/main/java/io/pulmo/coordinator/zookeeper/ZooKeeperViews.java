package io.pulmo.coordinator.zookeeper;

import io.pulmo.coordinator.job.PastView;
import io.pulmo.coordinator.job.UnreadableRecordException;
import io.pulmo.model.view.ViewJournal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** One job's views in ZooKeeper, in one node. One thread owns it. */
final class ZooKeeperViews implements ViewJournal {
  private static final int ABSENT = -1;

  private final FencedStore store;
  private final String path;
  private final Supplier<String> cause;
  private final List<PastView> past;
  private Kept kept;
  private int version;

  private ZooKeeperViews(
      FencedStore store,
      String path,
      Supplier<String> cause,
      Kept kept,
      List<PastView> past,
      int version) {
    this.store = store;
    this.path = path;
    this.cause = cause;
    this.kept = kept;
    this.past = past;
    this.version = version;
  }

  static ZooKeeperViews open(FencedStore store, String path, Supplier<String> cause) {
    Optional<FencedStore.Entry> entry = store.read(path);
    if (entry.isEmpty()) {
      return new ZooKeeperViews(store, path, cause, Kept.empty(), new ArrayList<>(), ABSENT);
    }
    try {
      ViewsRecord record = ViewsRecord.read(entry.get().data());
      return new ZooKeeperViews(
          store,
          path,
          cause,
          record.kept(),
          new ArrayList<>(record.pastViews()),
          entry.get().version());
    } catch (IOException | RuntimeException e) {
      throw new UnreadableRecordException(
          "the record of views " + path + " in ZooKeeper is unreadable: " + e.getMessage(), e);
    }
  }

  List<PastView> past() {
    return List.copyOf(past);
  }

  @Override
  public Kept current() {
    return kept;
  }

  @Override
  public void write(Kept next) {
    if (next.view().isPresent() && !next.view().equals(kept.view())) {
      past.add(ViewsRecord.past(next.view().get(), cause.get()));
    }
    byte[] data = ViewsRecord.write(next, past);
    if (version == ABSENT) {
      store.create(path, data);
      version = 0;
    } else {
      store.update(path, data, version);
      version++;
    }
    kept = next;
  }
}
