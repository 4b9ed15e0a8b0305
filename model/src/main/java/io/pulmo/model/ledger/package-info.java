/**
 * Which samples make which step, and who computed them: the sampler, the ledger of a training and
 * its verifier.
 */
@NullMarked
package io.pulmo.model.ledger;

import org.jspecify.annotations.NullMarked;
