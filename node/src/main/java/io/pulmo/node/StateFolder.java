package io.pulmo.node;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A server's folder on disk, which no other server uses while this is open. */
public final class StateFolder implements AutoCloseable {
  private static final String LOCK = "pulmo.lock";

  // The system gives the lock back with the channel, also when the process is killed.
  private final FileChannel channel;

  private StateFolder(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes a folder, made if need be.
   *
   * @throws IOException if another server has it, or it cannot be written
   */
  public static StateFolder take(Path folder) throws IOException {
    Files.createDirectories(folder);
    FileChannel channel =
        FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() != null) {
        return new StateFolder(channel);
      }
    } catch (OverlappingFileLockException sameProcess) {
      // Refused below, as for any other holder.
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new IOException(
        "the state folder "
            + folder.toAbsolutePath()
            + " is in use by another server: give each its own --state");
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
