package io.pulmo.coordinator.job;

import io.pulmo.model.view.Label;
import java.util.List;

/**
 * A view that a job has or had, as its record keeps it for the job's life.
 *
 * @param id of the view
 * @param leaderEpoch of the leader that wrote it
 * @param continues the state that its members entered with
 * @param members by rank
 * @param cause why the view came about, for people
 */
public record PastView(
    long id, long leaderEpoch, Label continues, List<Part> members, String cause) {
  /** Copies the list. */
  public PastView {
    members = List.copyOf(members);
  }

  /**
   * A member's part.
   *
   * @param memberId drawn at random when its process started
   * @param name for people
   * @param share its part of each global batch, relative to the sum of all shares
   */
  public record Part(String memberId, String name, int share) {}
}
