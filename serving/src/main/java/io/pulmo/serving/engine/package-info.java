/** The queue between the services and the models: image bytes in, judgements out; no gRPC. */
@NullMarked
package io.pulmo.serving.engine;

import org.jspecify.annotations.NullMarked;
