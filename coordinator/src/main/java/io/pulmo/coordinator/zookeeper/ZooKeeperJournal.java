package io.pulmo.coordinator.zookeeper;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pulmo.coordinator.job.JobJournal;
import io.pulmo.coordinator.job.JobRecord;
import io.pulmo.coordinator.job.JournalException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The jobs' records as JSON in ZooKeeper, one node each. One thread owns it. */
public final class ZooKeeperJournal implements JobJournal {
  private static final String PATH = "/pulmo/jobs";

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
      try {
        records.add(json.readValue(entry.data(), JobRecord.class));
        versions.put(entry.name(), entry.version());
      } catch (IOException e) {
        throw new JournalException(
            "the record " + PATH + "/" + entry.name() + " is unreadable: " + e.getMessage(), e);
      }
    }
    return records;
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
      store.delete(path(jobId), version);
      versions.remove(jobId);
    }
  }

  private static String path(String jobId) {
    return PATH + "/" + jobId;
  }
}
