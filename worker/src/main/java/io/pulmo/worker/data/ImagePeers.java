package io.pulmo.worker.data;

import io.pulmo.model.data.ImageManifest;
import java.io.IOException;

/** The way to other members' images. Safe for use by several threads. */
public interface ImagePeers {
  /**
   * Another member of the job.
   *
   * @param memberId its process
   * @param name for people
   * @param address HOST:PORT
   */
  record Peer(String memberId, String name, String address) {}

  /**
   * What a peer holds.
   *
   * @param images how many the job's lists name
   * @throws IOException if it does not answer, or not properly
   */
  ImageManifest manifest(Peer peer, String jobId, int images)
      throws IOException, InterruptedException;

  /**
   * The bytes that a peer gives for an image, unverified.
   *
   * @param sha256 that they should have
   * @param bytes how many there should be; more are not taken
   * @throws IOException if it does not answer, has none, or gives fewer or more
   */
  byte[] image(Peer peer, String jobId, String name, String sha256, int bytes)
      throws IOException, InterruptedException;
}
