package io.pulmo.worker;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.regex.Pattern;

/**
 * The file in a state folder that names the member which has it, or had it last. Whoever finds an
 * id there and holds the folder's lock knows that member's process to be dead.
 */
final class MemberIdFile {
  private static final String NAME = "member-id";
  private static final Pattern ID = Pattern.compile("[0-9a-f-]{36}");

  private MemberIdFile() {}

  /**
   * Writes a member's id; call with the folder's lock held.
   *
   * @return the member that had the folder before, empty if nobody
   */
  static String replace(Path folder, String memberId) throws IOException {
    Path file = folder.resolve(NAME);
    String before = "";
    if (Files.isRegularFile(file)) {
      String read = Files.readString(file).strip();
      // Cut off by a full disk, it names nobody.
      before = ID.matcher(read).matches() ? read : "";
    }
    Path draft = folder.resolve(NAME + ".part");
    Files.writeString(draft, memberId + "\n");
    try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return before;
  }
}
