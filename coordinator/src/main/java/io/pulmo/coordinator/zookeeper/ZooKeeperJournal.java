package io.pulmo.coordinator.zookeeper;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.coordinator.job.JobJournal;
import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.PastView;
import io.pulmo.model.view.ViewJournal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs' records as JSON in ZooKeeper, two nodes each: the job, and its views. One thread owns
 * it.
 */
public final class ZooKeeperJournal implements JobJournal {
  private static final Logger log = LoggerFactory.getLogger(ZooKeeperJournal.class);
  private static final String PATH = ZooKeeperSession.JOBS_PATH;
  private static final String VIEWS_PATH = ZooKeeperSession.VIEWS_PATH;

  private final FencedStore store;
  private final JsonMapper json =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();
  private final Map<String, Integer> versions = new HashMap<>();

  /** Keeps the records in the store. */
  public ZooKeeperJournal(FencedStore store) {
    this.store = store;
  }

  @Override
  public List<JobRecord> load() {
    versions.clear();
    List<JobRecord> records = new ArrayList<>();
    for (FencedStore.Entry entry : store.children(PATH)) {
      versions.put(entry.name(), entry.version());
      records.add(read(entry));
    }
    return records;
  }

  private JobRecord read(FencedStore.Entry entry) {
    try {
      JobRecord record = json.readValue(entry.data(), JobRecord.class);
      if (record != null && record.id().equals(entry.name())) {
        return record;
      }
      return JobRecord.unreadable(entry.name(), unreadable(entry, "it names another job"));
    } catch (IOException | RuntimeException e) {
      return JobRecord.unreadable(entry.name(), unreadable(entry, String.valueOf(e.getMessage())));
    }
  }

  private static String unreadable(FencedStore.Entry entry, String why) {
    String message =
        "the record " + PATH + "/" + entry.name() + " in ZooKeeper is unreadable: " + why;
    log.error("{}", message);
    return message.lines().findFirst().orElse(message) + "; submit the job again";
  }

  @Override
  public void write(JobRecord job) {
    byte[] data;
    try {
      data = json.writeValueAsBytes(job);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("every job record can be written as JSON", e);
    }
    Integer version = versions.get(job.id());
    if (version == null) {
      store.create(path(job.id()), data);
      versions.put(job.id(), 0);
    } else {
      store.update(path(job.id()), data, version);
      versions.put(job.id(), version + 1);
    }
  }

  @Override
  public void forget(String jobId) {
    Integer version = versions.get(jobId);
    if (version != null) {
      // The views first: a record without views says all there is, views without a record stay.
      Optional<FencedStore.Entry> views = store.read(viewsPath(jobId));
      if (views.isPresent()) {
        store.delete(viewsPath(jobId), views.get().version());
      }
      store.delete(path(jobId), version);
      versions.remove(jobId);
    }
  }

  @Override
  public ViewJournal views(String jobId, Supplier<String> cause) {
    return ZooKeeperViews.open(store, viewsPath(jobId), cause);
  }

  @Override
  public List<PastView> pastViews(String jobId) {
    return ZooKeeperViews.open(store, viewsPath(jobId), () -> "").past();
  }

  private static String viewsPath(String jobId) {
    return VIEWS_PATH + "/" + jobId;
  }

  private static String path(String jobId) {
    return PATH + "/" + jobId;
  }
}
