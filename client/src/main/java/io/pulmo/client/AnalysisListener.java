package io.pulmo.client;

/**
 * What hears the answers of a stream.
 *
 * <p>Each request sent is answered by exactly one call of one of the two methods. The calls of one
 * stream come one at a time, on a thread of its own; the request's place in flight is free after
 * the method returns, so a slow listener slows the sender down. An exception that a method throws
 * breaks the stream.
 */
public interface AnalysisListener {
  /**
   * A request was answered.
   *
   * @param id as given to {@link AnalysisStream#send}
   */
  void onAnalysis(String id, Analysis analysis);

  /**
   * A request failed. The stream goes on, unless {@link AnalysisStream#send} says otherwise.
   *
   * @param id as given to {@link AnalysisStream#send}
   */
  void onFailure(String id, PulmoException failure);
}
