package io.pulmo.model.view;

/**
 * A process that is ready to take part in a job.
 *
 * @param memberId drawn at random when it started
 * @param name for people
 * @param address HOST:PORT where the other members reach it
 * @param hostId what tells machines apart
 * @param cores that it may use
 */
public record Applicant(String memberId, String name, String address, String hostId, int cores) {
  /** Its place in a ring. */
  public Seat seat(int share, int threads) {
    return new Seat(memberId, name, address, share, threads);
  }
}
