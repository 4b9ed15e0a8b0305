package io.pulmo.openvino;

/**
 * What one node of the compiled network cost in the last inference.
 *
 * @param name the node's name, after fusion: several layers of the file may have become one
 * @param type the kind of operation, such as {@code Convolution}
 * @param execType the kernel that ran and what it computes in, such as {@code brgconv_avx2_I8}
 * @param status whether it ran
 * @param realNanos time from its start to its end, in nanoseconds; OpenVINO counts in microseconds
 * @param cpuNanos processor time, likewise; some devices report the same as {@code realNanos}
 */
public record NodeProfile(
    String name, String type, String execType, Status status, long realNanos, long cpuNanos) {
  /** Whether a node ran. */
  public enum Status {
    /** It did not run. */
    NOT_RUN,
    /** It is there no more: constant, or part of another node. */
    OPTIMIZED_OUT,
    /** It ran. */
    EXECUTED
  }
}
