package io.pulmo.cli.terminal;

/** The log's settings: standard error, warnings only unless asked for more. */
final class Logging {
  private Logging() {}

  /** Must run before the first logger is made. */
  static void configure(boolean verbose) {
    set("defaultLogLevel", verbose ? "info" : "warn");
    set("log.io.pulmo", verbose ? "debug" : "warn");
    // They report every lost connection as an error; Pulmo says itself what that means.
    set("log.org.apache.zookeeper", verbose ? "info" : "off");
    set("log.org.apache.curator", verbose ? "info" : "off");
    set("log.io.netty", verbose ? "info" : "error");
    set("log.ai.djl", verbose ? "info" : "error");
    set("showDateTime", "true");
    set("dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    set("showThreadName", "false");
    // gRPC logs through java.util.logging.
    java.util.logging.Logger.getLogger("io.grpc")
        .setLevel(verbose ? java.util.logging.Level.INFO : java.util.logging.Level.SEVERE);
  }

  private static void set(String key, String value) {
    System.setProperty("org.slf4j.simpleLogger." + key, value);
  }
}
