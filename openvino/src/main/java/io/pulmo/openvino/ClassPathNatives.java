package io.pulmo.openvino;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Enumeration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * OpenVINO's libraries as a dependency brings them: in a jar, all in one of its folders, as the
 * {@code org.bytedeco:openvino} artifacts lay them out.
 *
 * <p>A library can only be loaded from a file, so the folder is unpacked into the user's cache,
 * once for each jar.
 */
final class ClassPathNatives {
  private ClassPathNatives() {}

  /**
   * The C library of the first class path entry that has one.
   *
   * @param entries jars and folders; only those with openvino in their name are looked into
   * @param isLibrary whether a file name is the C library's
   * @param cache folder to unpack into
   */
  static Optional<Path> find(List<Path> entries, Predicate<String> isLibrary, Path cache)
      throws IOException {
    for (Path entry : entries) {
      if (entry.getFileName() == null || !entry.toString().contains("openvino")) {
        continue;
      }
      if (Files.isRegularFile(entry)) {
        try (ZipFile jar = new ZipFile(entry.toFile())) {
          Optional<String> library = libraryIn(jar, isLibrary);
          if (library.isPresent()) {
            return Optional.of(unpacked(entry, jar, library.get(), cache));
          }
        }
      } else if (Files.isDirectory(entry)) {
        try (var files = Files.walk(entry)) {
          Optional<Path> library =
              files.filter(file -> isLibrary.test(fileName(file.toString()))).findFirst();
          if (library.isPresent()) {
            return library.map(Path::toAbsolutePath);
          }
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<String> libraryIn(ZipFile jar, Predicate<String> isLibrary) {
    return jar.stream()
        .map(ZipEntry::getName)
        .filter(name -> isLibrary.test(fileName(name)))
        .findFirst();
  }

  private static Path unpacked(Path file, ZipFile jar, String library, Path cache)
      throws IOException {
    String identity =
        file.toAbsolutePath()
            + "|"
            + Files.size(file)
            + "|"
            + Files.getLastModifiedTime(file).toMillis();
    Path folder =
        cache.resolve(
            "class-path-" + UUID.nameUUIDFromBytes(identity.getBytes(StandardCharsets.UTF_8)));
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(cache);
      Path unfinished = Files.createTempDirectory(cache, "class-path-");
      try {
        String inside = library.substring(0, library.length() - fileName(library).length());
        Enumeration<? extends ZipEntry> all = jar.entries();
        while (all.hasMoreElements()) {
          ZipEntry one = all.nextElement();
          String name = fileName(one.getName());
          if (!name.isEmpty() && one.getName().equals(inside + name)) {
            try (InputStream bytes = jar.getInputStream(one)) {
              Files.copy(bytes, unfinished.resolve(name));
            }
          }
        }
        Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        delete(unfinished);
        // Another process may have put it there meanwhile, which is as good.
        if (!Files.isDirectory(folder)) {
          throw e;
        }
      }
    }
    return folder.resolve(fileName(library));
  }

  private static String fileName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
