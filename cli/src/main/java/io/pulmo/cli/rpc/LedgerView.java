package io.pulmo.cli.rpc;

import io.pulmo.model.ledger.LedgerFile;
import java.util.Optional;

/**
 * What the leader tells of who computed which steps of a job.
 *
 * @param state the final state's own ledger, once the job is completed
 * @param stateLacks why it is missing where it should be there, else empty
 * @param leaders what the leader's record of views says
 * @param leaderLacks why it cannot say, else empty
 */
public record LedgerView(
    Optional<LedgerFile> state,
    String stateLacks,
    Optional<LedgerFile> leaders,
    String leaderLacks) {}
