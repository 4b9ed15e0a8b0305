package io.pulmo.worker.rpc;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.pulmo.proto.FileChunk;
import io.pulmo.proto.GetImageRequest;
import io.pulmo.proto.GetManifestRequest;
import io.pulmo.proto.ManifestChunk;
import io.pulmo.proto.PeerGrpc;
import io.pulmo.worker.data.ImageIndex;
import io.pulmo.worker.data.ImagePeers;
import io.pulmo.worker.data.JobImages;
import io.pulmo.worker.data.PulledImages;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A member's images behind a server on loopback. */
final class DataMember {
  static final String JOB = "job-1";

  final String name;
  final Path folder;
  final Path cache;
  final ImageServing serving;
  final JobImages images;
  final PeerImages peers = new PeerImages(2_000, 30_000);
  private final Server server;

  /** A member that asks each peer once for an image. */
  static final Duration NONE = Duration.ZERO;

  /** How a member answers; the real one by default. */
  static class Answers extends PeerGrpc.PeerImplBase {
    ImageServing serving = new ImageServing();

    @Override
    public void getManifest(GetManifestRequest request, StreamObserver<ManifestChunk> responses) {
      serving.getManifest(request, responses);
    }

    @Override
    public void getImage(GetImageRequest request, StreamObserver<FileChunk> responses) {
      serving.getImage(request, responses);
    }
  }

  DataMember(
      Path dir,
      String name,
      List<String> names,
      Map<String, byte[]> held,
      Answers answers,
      Duration patience)
      throws Exception {
    this.name = name;
    this.serving = answers.serving;
    this.folder = Files.createDirectories(dir.resolve(name).resolve("images"));
    this.cache = dir.resolve(name).resolve("pulled");
    for (Map.Entry<String, byte[]> image : held.entrySet()) {
      Files.write(folder.resolve(image.getKey()), image.getValue());
    }
    this.images =
        new JobImages(
            name,
            JOB,
            ImageIndex.build(
                Optional.of(folder),
                names,
                dir.resolve(name).resolve("hashes"),
                InstantSource.system()),
            PulledImages.open(cache, 100L << 20),
            peers,
            patience);
    serving.offer(JOB, images);
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(answers)
            .build()
            .start();
  }

  DataMember(Path dir, String name, List<String> names, Map<String, byte[]> held) throws Exception {
    this(dir, name, names, held, new Answers(), NONE);
  }

  ImagePeers.Peer peer() {
    return new ImagePeers.Peer("id-" + name, name, "127.0.0.1:" + server.getPort());
  }

  /** The others that this member knows from now on. */
  void meets(DataMember... others) {
    images.enter(List.of(others).stream().map(DataMember::peer).toList());
  }

  void stop() {
    server.shutdownNow();
  }

  void close() throws InterruptedException {
    peers.close();
    serving.close();
    server.shutdownNow();
    server.awaitTermination();
  }
}
