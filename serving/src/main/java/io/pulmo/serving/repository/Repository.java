package io.pulmo.serving.repository;

import io.pulmo.model.bundle.Bundle;
import io.pulmo.model.bundle.BundleException;
import io.pulmo.model.image.ImageLimits;
import io.pulmo.serving.backend.BackendOptions;
import io.pulmo.serving.backend.Mode;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The models of a folder, loaded: DIR/NAME/VERSION/ are bundles, of which the highest version of
 * each name counts, or DIR is a bundle itself. In the former, the folders' names are the models'
 * names and versions.
 */
public final class Repository implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");
  private static final Pattern VERSION = Pattern.compile("[1-9][0-9]{0,17}");

  private final List<LoadedModel> models = new ArrayList<>();

  private Repository() {}

  /**
   * Loads the models of a folder, as {@link LoadedModel#open} or, where the modes are not required,
   * {@link LoadedModel#openRunnable} does.
   *
   * @param limits on the images that they judge
   * @param options how they use the machine
   * @throws IOException if there is no bundle, or one is altered, or fails its self-test; the
   *     message names it
   */
  public static Repository open(
      Path folder,
      Set<Mode> modes,
      boolean modesRequired,
      ImageLimits limits,
      BackendOptions options)
      throws IOException {
    Repository repository = new Repository();
    try {
      for (Path path : bundles(folder)) {
        Bundle bundle = Bundle.open(path);
        ModelIdentity identity = path.equals(folder) ? identity(bundle) : placed(bundle);
        repository.models.add(
            LoadedModel.load(bundle, identity, modes, modesRequired, limits, options));
      }
      return repository;
    } catch (IOException | RuntimeException | Error e) {
      repository.close();
      throw e;
    }
  }

  /** As the bundle says. */
  static ModelIdentity identity(Bundle bundle) {
    return new ModelIdentity(
        bundle.manifest().name(), bundle.manifest().version(), bundle.digest());
  }

  /** As whoever laid out the repository says. */
  private static ModelIdentity placed(Bundle bundle) {
    Path path = bundle.folder();
    return new ModelIdentity(
        path.getName(path.getNameCount() - 2).toString(),
        Long.parseLong(path.getFileName().toString()),
        bundle.digest());
  }

  private static List<Path> bundles(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new BundleException(
          folder + " is no folder, expected a repository; give --repository DIR");
    }
    if (Files.exists(folder.resolve(Bundle.MANIFEST))) {
      return List.of(folder);
    }
    List<Path> highest = new ArrayList<>();
    try (DirectoryStream<Path> names = Files.newDirectoryStream(folder, Files::isDirectory)) {
      for (Path name : names) {
        if (!NAME.matcher(name.getFileName().toString()).matches()) {
          continue;
        }
        NavigableMap<Long, Path> versions = versions(name);
        if (!versions.isEmpty()) {
          highest.add(versions.lastEntry().getValue());
        }
      }
    }
    if (highest.isEmpty()) {
      throw new BundleException(
          folder
              + " holds no bundle, expected "
              + folder
              + "/NAME/VERSION/"
              + Bundle.MANIFEST
              + "; make one with: pulmo export --out "
              + folder
              + "/NAME/1");
    }
    highest.sort(null);
    return highest;
  }

  private static NavigableMap<Long, Path> versions(Path name) throws IOException {
    NavigableMap<Long, Path> versions = new TreeMap<>();
    try (DirectoryStream<Path> children = Files.newDirectoryStream(name)) {
      for (Path child : children) {
        String version = child.getFileName().toString();
        if (VERSION.matcher(version).matches() && Files.exists(child.resolve(Bundle.MANIFEST))) {
          versions.put(Long.parseLong(version), child);
        }
      }
    }
    return versions;
  }

  /** The models, by name. */
  public List<LoadedModel> models() {
    return List.copyOf(models);
  }

  @Override
  public void close() {
    models.forEach(LoadedModel::close);
  }
}
