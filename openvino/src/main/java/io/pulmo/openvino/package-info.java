/** Intel's nouns over OpenVINO's C API: Core, Model, CompiledModel, InferRequest, Tensor. */
@NullMarked
package io.pulmo.openvino;

import org.jspecify.annotations.NullMarked;
