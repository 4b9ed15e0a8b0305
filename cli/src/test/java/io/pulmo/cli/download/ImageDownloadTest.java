package io.pulmo.cli.download;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.pulmo.cli.download.FaultyServer.Reply;
import io.pulmo.cli.terminal.CommandFailure;
import io.pulmo.cli.terminal.ExitCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Downloads from a server that fails in every way that is told of servers. */
class ImageDownloadTest {
  private static final int IMAGES = 20;
  private static final int IMAGE_BYTES = 20_000;

  private final Path out;
  private final byte[] file;
  private final List<Duration> pauses = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private long freeBytes = Long.MAX_VALUE;

  ImageDownloadTest(@TempDir Path folder) throws IOException {
    this.out = folder.resolve("out");
    this.file = TarFile.ofImages(1, IMAGES, IMAGE_BYTES);
  }

  @Test
  void run_goodServer_unpacksAndRemovesTheArchive() throws Exception {
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      assertEquals(IMAGES, run(server, false));
      assertImages();
      assertEquals(Set.of(".download", "images"), names(out));
      assertEquals(Set.of("a.tar.gz.done", "lock"), names(out.resolve(".download")));
      assertEquals(IMAGES, run(server, false));
      assertEquals(1, server.gets().size());
    }
  }

  @Test
  void run_keptArchive_staysUntilAskedOtherwise() throws Exception {
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      run(server, true);
      assertArrayEquals(file, Files.readAllBytes(out.resolve("a.tar.gz")));
      run(server, false);
      assertTrue(Files.exists(out.resolve("a.tar.gz")));
    }
  }

  @Test
  void run_severalArchives_areAllUnpacked() throws Exception {
    byte[] other = TarFile.ofImages(100, 3, 50);
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) -> Reply.ranged(request, request.path().equals("/a") ? file : other))) {
      List<Archive> archives = List.of(archive(server, "a", file), archive(server, "b", other));
      assertEquals(IMAGES + 3, download(archives, false).run());
    }
  }

  @Test
  void run_droppedConnections_areResumedWhereTheyEnded() throws Exception {
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) ->
                Reply.ranged(request, file)
                    .with("ETag", "\"v1\"")
                    .cut(nth < 3 ? 90_000 : 1 << 20))) {
      run(server, false);
      assertImages();
      assertEquals(
          List.of("", "bytes=90000-", "bytes=180000-", "bytes=270000-"),
          server.gets().stream().map(request -> request.header("range")).toList());
      assertEquals("\"v1\"", server.gets().get(1).header("if-range"));
      assertEquals(3, pauses.size());
    }
  }

  @Test
  void run_serverWithoutRanges_beginsAgainFromTheFirstByte() throws Exception {
    try (FaultyServer server =
        new FaultyServer((request, nth) -> Reply.whole(file).cut(nth < 2 ? 150_000 : 1 << 20))) {
      run(server, false);
      assertImages();
      assertEquals(3, server.gets().size());
    }
  }

  @Test
  void run_connectionAlwaysDropped_failsAfterTheTriesAndKeepsWhatCame() throws Exception {
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.whole(file).cut(150_000))) {
      String message = failure(ExitCode.FAILED, server);
      assertTrue(message.contains("byte 150000") && message.contains("9 tries"), message);
      assertEquals(Transfer.MAX_FRUITLESS + 1, server.gets().size());
      assertEquals(
          List.of(1L, 2L, 4L, 8L, 16L, 30L, 30L, 30L),
          pauses.stream().map(Duration::toSeconds).toList());
      assertEquals(150_000, Files.size(out.resolve("a.tar.gz.part")));
      assertEquals(Set.of(), names(out.resolve("images")));
    }
  }

  @Test
  void run_fileThatChangedOnTheServer_isBegunAnew() throws Exception {
    byte[] old = TarFile.ofImages(500, IMAGES, IMAGE_BYTES);
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) -> {
              if (nth == 0) {
                return Reply.whole(old).with("ETag", "\"old\"").cut(100_000);
              }
              return request.header("if-range").equals("\"new\"")
                  ? Reply.ranged(request, file)
                  : Reply.whole(file).with("ETag", "\"new\"");
            })) {
      run(server, false);
      assertImages();
      assertEquals(2, server.gets().size());
    }
  }

  @Test
  void run_wrongByteOnce_isFetchedAgainFromTheFirst() throws Exception {
    try (FaultyServer server =
        new FaultyServer((request, nth) -> Reply.ranged(request, nth == 0 ? wrong() : file))) {
      run(server, false);
      assertImages();
      assertEquals("", server.gets().get(1).header("range"));
      assertTrue(notes.toString().contains("wrong bytes"), notes.toString());
    }
  }

  @Test
  void run_wrongByteAlways_isRefusedAndNothingUnpacked() throws Exception {
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, wrong()))) {
      String message = failure(ExitCode.FAILED, server);
      assertTrue(message.contains(TarFile.sha256(wrong())), message);
      assertTrue(message.contains(TarFile.sha256(file)), message);
      assertEquals(2, server.gets().size());
      assertEquals(Set.of(), names(out.resolve("images")));
      assertEquals(Set.of(".download", "images"), names(out));
    }
  }

  @Test
  void run_busyServer_isGivenTheTimeItAsksFor() throws Exception {
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) ->
                switch (nth) {
                  case 0 -> Reply.status(503, "Retry-After", "7");
                  case 1 -> Reply.status(429, "Retry-After", "Wed, 01 Jan 2025 00:01:00 GMT");
                  case 2 -> Reply.status(500);
                  default -> Reply.ranged(request, file);
                })) {
      run(server, false);
      assertImages();
      assertEquals(List.of(7L, 60L, 8L), pauses.stream().map(Duration::toSeconds).toList());
    }
  }

  @Test
  void run_serverThatAsksForHours_isNotWaitedFor() throws Exception {
    try (FaultyServer server =
        new FaultyServer((request, nth) -> Reply.status(503, "Retry-After", "7200"))) {
      String message = failure(ExitCode.FAILED, server);
      assertTrue(message.contains("503") && message.contains("120 minutes"), message);
      assertEquals(List.of(), pauses);
    }
  }

  @Test
  void run_wholePartOfAKilledRun_isRecognizedByTheAnswer416() throws Exception {
    Files.createDirectories(out);
    Files.write(out.resolve("a.tar.gz.part"), file);
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      run(server, false);
      assertImages();
      assertEquals(1, server.gets().size());
    }
  }

  @Test
  void run_partLongerThanTheFile_isBegunAnew() throws Exception {
    Files.createDirectories(out);
    Files.write(out.resolve("a.tar.gz.part"), Arrays.copyOf(file, file.length + 10));
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      run(server, false);
      assertImages();
      assertEquals(2, server.gets().size());
    }
  }

  @Test
  void run_beginningUnderTheArchivesName_isResumed() throws Exception {
    Files.createDirectories(out);
    Files.write(out.resolve("a.tar.gz"), Arrays.copyOf(file, 100_000));
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      run(server, false);
      assertImages();
      assertEquals("bytes=100000-", server.gets().get(0).header("range"));
    }
  }

  @Test
  void run_otherRangeThanAskedFor_isNotAppended() throws Exception {
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) ->
                switch (nth) {
                  case 0 -> Reply.whole(file).cut(90_000);
                  case 1 ->
                      new Reply(
                          206,
                          Map.of("Content-Range", "bytes 10-19/" + file.length),
                          new byte[10],
                          10);
                  default -> Reply.ranged(request, file);
                })) {
      run(server, false);
      assertImages();
      assertEquals("", server.gets().get(2).header("range"));
    }
  }

  @Test
  void run_redirects_areFollowedWithTheRange() throws Exception {
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) ->
                request.path().equals("/a")
                    ? Reply.status(302, "Location", "/b")
                    : Reply.ranged(request, file).cut(nth < 2 ? 90_000 : 1 << 20))) {
      run(server, false);
      assertImages();
      assertEquals("bytes=90000-", server.gets().getLast().header("range"));
    }
  }

  @Test
  void run_missingFileOrWebPage_failsAtOnce() throws Exception {
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.status(404))) {
      String message = failure(ExitCode.FAILED, server);
      assertTrue(message.contains("404") && message.contains("/a"), message);
      assertEquals(1, server.gets().size());
    }
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) ->
                Reply.whole(TarFile.text("<html>log in</html>"))
                    .with("Content-Type", "text/html; charset=utf-8"))) {
      assertTrue(failure(ExitCode.FAILED, server).contains("web page"));
    }
  }

  @Test
  void run_silentServer_isGivenUpAndTriedAgain() throws Exception {
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) ->
                nth == 0
                    ? Reply.ranged(request, file).silentAfter(90_000)
                    : Reply.ranged(request, file))) {
      run(server, false);
      assertImages();
      assertEquals("bytes=90000-", server.gets().get(1).header("range"));
      assertTrue(notes.toString().contains("nothing came for"), notes.toString());
    }
  }

  @Test
  void run_noServer_saysSoAfterTheTries() throws Exception {
    FaultyServer server = new FaultyServer((request, nth) -> Reply.status(200));
    server.close();
    String message = failure(ExitCode.FAILED, server);
    assertTrue(message.contains("no answer from 127.0.0.1 (no connection"), message);
    assertTrue(message.contains("8 tries") && message.contains("proxyHost"), message);
  }

  @Test
  void run_smallDisk_isRefusedBeforeAnyByteIsFetched() throws Exception {
    freeBytes = file.length + (long) (1.05 * file.length) - 10;
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      String message = failure(ExitCode.ENVIRONMENT, server);
      assertTrue(
          message.contains(out + " has 0.0 GB free, expected 0.0 GB for 1 archive with"), message);
      assertEquals(0, server.gets().size());
      freeBytes += 20;
      run(server, false);
      assertImages();
    }
  }

  @Test
  void run_secondRunInTheFolder_isRefused() throws Exception {
    Files.createDirectories(out.resolve(".download"));
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file));
        FileChannel channel =
            FileChannel.open(
                out.resolve(".download/lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      assertTrue(lock.isValid());
      assertTrue(failure(ExitCode.FAILED, server).contains("in use by another download"));
    }
  }

  @Test
  void run_imageThatIsGoneOrCut_bringsItsArchiveAgain() throws Exception {
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      run(server, false);
      Files.delete(out.resolve("images/00000003_000.png"));
      Files.write(out.resolve("images/00000004_000.png"), new byte[3]);
      run(server, false);
      assertImages();
      assertTrue(notes.toString().contains("2 images of a.tar.gz"), notes.toString());
      assertEquals(2, server.gets().size());
    }
  }

  @Test
  void run_damagedRecord_isNotTrusted() throws Exception {
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, file))) {
      run(server, true);
      Path record = out.resolve(".download/a.tar.gz.done");
      String text = Files.readString(record);
      for (String damaged :
          List.of(
              "", text.substring(0, text.length() / 2), text.replaceFirst("00000001", "../etc"))) {
        Files.writeString(record, damaged);
        assertEquals(IMAGES, run(server, true));
        assertEquals(text, Files.readString(record));
      }
      assertEquals(1, server.gets().size());
    }
  }

  @Test
  void run_imageOfTwoArchives_isRefused() throws Exception {
    byte[] other = TarFile.ofImages(IMAGES, 3, 50);
    try (FaultyServer server =
        new FaultyServer(
            (request, nth) -> Reply.ranged(request, request.path().equals("/a") ? file : other))) {
      List<Archive> archives = List.of(archive(server, "a", file), archive(server, "b", other));
      String message =
          String.valueOf(
              assertThrows(CommandFailure.class, () -> download(archives, false).run())
                  .getMessage());
      assertTrue(message.contains("00000020_000.png, which came from a.tar.gz"), message);
      assertImages();
    }
  }

  @Test
  void run_serverOfTheJdk_isEnough() throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            if (exchange.getRequestMethod().equals("HEAD")) {
              exchange.sendResponseHeaders(405, -1);
            } else {
              // Of unknown length: in chunks.
              exchange.sendResponseHeaders(200, 0);
              exchange.getResponseBody().write(file);
            }
          }
        });
    server.start();
    try {
      URI address = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/a");
      Archive archive = new Archive("a.tar.gz", address, TarFile.sha256(file));
      assertEquals(IMAGES, download(List.of(archive), false).run());
      assertImages();
    } finally {
      server.stop(0);
    }
  }

  @Test
  void run_hostileArchive_isRefusedAndNothingIsMoved() throws Exception {
    byte[] hostile =
        new TarFile()
            .file("images/00000001_000.png", TarFile.image(1, 100))
            .file("images/../../escaped.png", TarFile.image(2, 100))
            .bytes();
    try (FaultyServer server = new FaultyServer((request, nth) -> Reply.ranged(request, hostile))) {
      List<Archive> archives = List.of(archive(server, "a", hostile));
      String message =
          String.valueOf(
              assertThrows(CommandFailure.class, () -> download(archives, false).run())
                  .getMessage());
      assertTrue(message.contains("images/../../escaped.png"), message);
      assertEquals(Set.of(), names(out.resolve("images")));
      assertFalse(Files.exists(out.resolve(".download/unpacking")));
      assertFalse(Files.exists(out.resolveSibling("escaped.png")));
    }
  }

  private byte[] wrong() {
    byte[] wrong = file.clone();
    wrong[file.length / 2] ^= 1;
    return wrong;
  }

  private int run(FaultyServer server, boolean keep) throws Exception {
    return download(List.of(archive(server, "a", file)), keep).run();
  }

  private String failure(int exitCode, FaultyServer server) {
    CommandFailure failure = assertThrows(CommandFailure.class, () -> run(server, false));
    assertEquals(exitCode, failure.exitCode());
    return String.valueOf(failure.getMessage());
  }

  private static Archive archive(FaultyServer server, String name, byte[] file) throws Exception {
    URI address = server.address("/" + name);
    return new Archive(name + ".tar.gz", address, TarFile.sha256(file));
  }

  private ImageDownload download(List<Archive> archives, boolean keep) {
    Transfer.Timing timing =
        new Transfer.Timing(
            Clock.fixed(Instant.parse("2025-01-01T00:00:00Z"), ZoneOffset.UTC),
            pauses::add,
            Duration.ofSeconds(10),
            Duration.ofSeconds(10),
            Duration.ofSeconds(1));
    return new ImageDownload(
        out,
        archives,
        keep,
        true,
        new ImageDownload.Means(timing, folder -> freeBytes, notes::add));
  }

  private void assertImages() throws IOException {
    Path images = out.resolve("images");
    assertEquals(IMAGES, names(images).size());
    for (int i = 1; i <= IMAGES; i++) {
      assertArrayEquals(
          TarFile.image(i, IMAGE_BYTES),
          Files.readAllBytes(images.resolve(String.format(Locale.ROOT, "%08d_000.png", i))));
    }
  }

  private static Set<String> names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      Set<String> names = new TreeSet<>();
      files.forEach(path -> names.add(path.getFileName().toString()));
      return names;
    }
  }
}
