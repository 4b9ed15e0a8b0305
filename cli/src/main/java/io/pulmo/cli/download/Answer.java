package io.pulmo.cli.download;

import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the head of an HTTP answer says of the file behind it (RFC 9110). */
record Answer(HttpResponse<?> response) {
  private static final Pattern RANGE =
      Pattern.compile("bytes (?:([0-9]{1,18})-([0-9]{1,18})|\\*)/([0-9]{1,18}|\\*)");
  private static final int MAX_ETAG = 200;

  /**
   * Which part of the file comes.
   *
   * @param first the first byte's index; -1 if none comes
   * @param last the last byte's index; -1 if none comes
   * @param total the whole file's size; -1 if not told
   */
  record Range(long first, long last, long total) {}

  int status() {
    return response.statusCode();
  }

  /** Of the answer's body; empty if not told. */
  OptionalLong length() {
    return header("Content-Length")
        .filter(text -> text.matches("[0-9]{1,18}"))
        .map(text -> OptionalLong.of(Long.parseLong(text)))
        .orElse(OptionalLong.empty());
  }

  /** Empty if there is none, or one that makes no sense. */
  Optional<Range> range() {
    Matcher matcher = RANGE.matcher(header("Content-Range").orElse(""));
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long total = matcher.group(3).equals("*") ? -1 : Long.parseLong(matcher.group(3));
    if (matcher.group(1) == null) {
      return Optional.of(new Range(-1, -1, total));
    }
    Range range =
        new Range(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2)), total);
    boolean sound = range.first <= range.last && (total < 0 || range.last < total);
    return sound ? Optional.of(range) : Optional.empty();
  }

  /** A tag that stands for exactly these bytes; a weak one does not. */
  Optional<String> strongTag() {
    return header("ETag").filter(Answer::isStrongTag);
  }

  static boolean isStrongTag(String tag) {
    return tag.length() <= MAX_ETAG && tag.matches("\"[\\x21\\x23-\\x7E]*\"");
  }

  /** A page for people, where an archive was asked for. */
  boolean webPage() {
    return header("Content-Type").orElse("").startsWith("text/html");
  }

  /** How long the server asks to be left alone; empty if it does not say. */
  Optional<Duration> retryAfter(Clock clock) {
    return header("Retry-After")
        .flatMap(
            text -> {
              if (text.matches("[0-9]{1,9}")) {
                return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
              }
              try {
                Duration until =
                    Duration.between(
                        clock.instant(),
                        ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant());
                return Optional.of(until.isNegative() ? Duration.ZERO : until);
              } catch (DateTimeException e) {
                return Optional.empty();
              }
            });
  }

  private Optional<String> header(String name) {
    return response.headers().firstValue(name);
  }
}
