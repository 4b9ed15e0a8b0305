package io.pulmo.cli.curves;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.Map;
import java.util.zip.CRC32C;

/** A new file of TensorBoard's events. Each is on its way to the disk once it is written. */
final class EventFile implements AutoCloseable {
  // A file is TFRecords: length, its CRC, data, its CRC; the data of each is one protobuf message
  // Event (tensorflow/core/util/event.proto), of which the few fields below are used. All of it
  // little-endian.

  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int SESSION_LOG = 7;
  private static final int SUMMARY_VALUE = 1;
  private static final int VALUE_TAG = 1;
  private static final int VALUE_SIMPLE = 2;
  private static final int SESSION_STATUS = 1;
  private static final int SESSION_START = 1;

  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED_32 = 5;

  private final OutputStream out;
  private final InstantSource clock;

  /**
   * Begins a file in a folder, which is made if need be.
   *
   * @param suffix makes its name unlike those of other writers of the same second
   */
  EventFile(Path folder, String suffix, InstantSource clock) throws IOException {
    this.clock = clock;
    Files.createDirectories(folder);
    Path file =
        folder.resolve("events.out.tfevents.%010d.%s".formatted(clock.millis() / 1000, suffix));
    this.out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    Message event = event();
    event.bytes(FILE_VERSION, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
    write(event);
  }

  /** What was written for a step or a later one, here or in an earlier file, no longer holds. */
  void restart(long step) throws IOException {
    Message log = new Message();
    log.varint(SESSION_STATUS, SESSION_START);
    Message event = event();
    event.varint(STEP, step);
    event.bytes(SESSION_LOG, log.encoded());
    write(event);
  }

  /** Values at a step, by their tags. */
  void scalars(long step, Map<String, Double> values) throws IOException {
    Message summary = new Message();
    values.forEach(
        (tag, number) -> {
          Message value = new Message();
          value.bytes(VALUE_TAG, tag.getBytes(StandardCharsets.UTF_8));
          value.fixed32(VALUE_SIMPLE, Float.floatToRawIntBits(number.floatValue()));
          summary.bytes(SUMMARY_VALUE, value.encoded());
        });
    Message event = event();
    event.varint(STEP, step);
    event.bytes(SUMMARY, summary.encoded());
    write(event);
  }

  private Message event() {
    Message event = new Message();
    event.fixed64(WALL_TIME, Double.doubleToRawLongBits(clock.millis() / 1000.0));
    return event;
  }

  private void write(Message event) throws IOException {
    byte[] data = event.encoded();
    ByteBuffer record =
        ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + data.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(data.length);
    record.putInt(crc(record.array(), 0, Long.BYTES));
    record.put(data);
    record.putInt(crc(data, 0, data.length));
    out.write(record.array());
  }

  /** The CRC as TFRecords have it: masked, since CRCs of data that hold CRCs are weak. */
  private static int crc(byte[] data, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(data, from, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  /** A protobuf message in the making. */
  private static final class Message {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private void key(int field, int wireType) {
      base128(((long) field << 3) | wireType);
    }

    private void base128(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        bytes.write((int) (rest & 0x7F) | 0x80);
        rest >>>= 7;
      }
      bytes.write((int) rest);
    }

    void varint(int field, long value) {
      key(field, VARINT);
      base128(value);
    }

    void fixed64(int field, long value) {
      key(field, FIXED_64);
      littleEndian(value, Long.BYTES);
    }

    void fixed32(int field, int value) {
      key(field, FIXED_32);
      littleEndian(value, Integer.BYTES);
    }

    private void littleEndian(long value, int count) {
      for (int i = 0; i < count; i++) {
        bytes.write((int) (value >>> (8 * i)));
      }
    }

    void bytes(int field, byte[] value) {
      key(field, BYTES);
      base128(value.length);
      bytes.writeBytes(value);
    }

    byte[] encoded() {
      return bytes.toByteArray();
    }
  }
}
