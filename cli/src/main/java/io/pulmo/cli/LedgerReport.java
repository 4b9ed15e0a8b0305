package io.pulmo.cli;

import io.pulmo.cli.rpc.LedgerView;
import io.pulmo.cli.terminal.Table;
import io.pulmo.model.ledger.Ledger;
import io.pulmo.model.ledger.LedgerAccount;
import io.pulmo.model.ledger.LedgerFile;
import io.pulmo.model.ledger.LedgerVerifier;
import io.pulmo.model.ledger.Sampler;
import io.pulmo.model.view.ViewJournal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who computed which samples of a job, recomputed and verified.
 *
 * @param file the ledger
 * @param ofState whether the final state told it, or the leader's record of views
 * @param verdict of the verifier
 * @param fault the first, also one between the two ledgers; none if all is well
 */
record LedgerReport(
    LedgerFile file, boolean ofState, LedgerVerifier.Verdict verdict, Optional<String> fault) {

  /** Of the state's ledger if there is one, compared with the leader's record if that is there. */
  static Optional<LedgerReport> of(LedgerView view) {
    Optional<LedgerFile> told = view.state().or(view::leaders);
    if (told.isEmpty()) {
      return Optional.empty();
    }
    LedgerFile file = told.get();
    LedgerVerifier.Verdict verdict = LedgerVerifier.verify(file);
    Optional<String> fault = verdict.fault();
    if (fault.isEmpty() && view.state().isPresent() && view.leaders().isPresent()) {
      fault = LedgerVerifier.difference(file.ledger(), view.leaders().get().ledger());
    }
    return Optional.of(new LedgerReport(file, view.state().isPresent(), verdict, fault));
  }

  String text() {
    StringBuilder text = new StringBuilder();
    Table table =
        new Table("view", "leader epoch", "steps", "worker", "share", "samples", "by epoch");
    for (LedgerAccount account : LedgerAccount.of(file)) {
      table.row(
          Long.toString(account.span().view()),
          Long.toString(account.span().leaderEpoch()),
          steps(account),
          account.part().name(),
          Integer.toString(account.part().share()),
          Long.toString(account.samples()),
          positions(account));
    }
    text.append(table);
    for (ViewJournal.Restore restore : file.ledger().restores()) {
      text.append(
          "view %d went back from step %d to the checkpoint of step %d: at least %d steps were given up and taken again%n"
              .formatted(
                  restore.view(),
                  restore.fromStep(),
                  restore.toStep(),
                  restore.fromStep() - restore.toStep()));
    }
    return text.append(conclusion()).append(System.lineSeparator()).toString();
  }

  private static String steps(LedgerAccount account) {
    long from = account.span().fromStep();
    return account.toStep() == from ? "none" : from + "-" + (account.toStep() - 1);
  }

  /** How many positions of each epoch's order, and between which. */
  private static String positions(LedgerAccount account) {
    List<String> epochs = new ArrayList<>();
    account
        .ranges()
        .forEach(
            (epoch, ranges) -> {
              int count = ranges.stream().mapToInt(Sampler.Range::size).sum();
              int first = ranges.getFirst().from();
              int last = ranges.getLast().to() - 1;
              epochs.add("%d: %d in %d-%d".formatted(epoch + 1, count, first, last));
            });
    return epochs.isEmpty() ? "-" : String.join(", ", epochs);
  }

  private String conclusion() {
    String whose = ofState ? "the final state's ledger" : "the leader's record of views";
    if (fault.isPresent()) {
      return whose + " does not verify: " + fault.get();
    }
    return "%s verifies: %d steps, %d whole epochs of %d samples each once%s%s"
        .formatted(
            whose,
            file.steps(),
            verdict.wholeEpochs(),
            file.ledger().sampler().samples(),
            verdict.stepsBeyond() == 0
                ? ""
                : ", and %d steps of the next".formatted(verdict.stepsBeyond()),
            verdict.givenUp() == 0
                ? ""
                : "; at least %d steps were given up".formatted(verdict.givenUp()));
  }

  Map<String, @Nullable Object> json() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("verifies", fault.isEmpty());
    json.put("fault", fault.orElse(null));
    json.put("of", ofState ? "state" : "leader");
    json.put("samples", file.ledger().sampler().samples());
    json.put("batch", file.ledger().sampler().batch());
    json.put("seed", file.ledger().sampler().seed());
    json.put("steps", file.steps());
    json.put("whole_epochs", verdict.wholeEpochs());
    json.put("steps_given_up", verdict.givenUp());
    json.put(
        "restores",
        file.ledger().restores().stream()
            .map(r -> Map.of("view", r.view(), "to_step", r.toStep(), "from_step", r.fromStep()))
            .toList());
    json.put("views", views());
    return json;
  }

  private List<Object> views() {
    List<Object> views = new ArrayList<>();
    Map<Long, List<Object>> members = new LinkedHashMap<>();
    Map<Long, Long> ends = new LinkedHashMap<>();
    for (LedgerAccount account : LedgerAccount.of(file)) {
      long view = account.span().view();
      ends.put(view, account.toStep());
      members.computeIfAbsent(view, v -> new ArrayList<>()).add(member(account));
    }
    for (Ledger.Span span : file.ledger().spans()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("view", span.view());
      json.put("leader_epoch", span.leaderEpoch());
      json.put("from_step", span.fromStep());
      json.put("to_step", ends.getOrDefault(span.view(), span.fromStep()));
      json.put("members", members.getOrDefault(span.view(), List.of()));
      views.add(json);
    }
    return views;
  }

  /** Ranges are [from, to), in positions of the epoch's order. */
  private static Map<String, Object> member(LedgerAccount account) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", account.part().memberId());
    json.put("name", account.part().name());
    json.put("share", account.part().share());
    json.put("samples", account.samples());
    List<Object> epochs = new ArrayList<>();
    account
        .ranges()
        .forEach(
            (epoch, ranges) ->
                epochs.add(
                    Map.of(
                        "epoch",
                        epoch,
                        "ranges",
                        ranges.stream().map(r -> List.of(r.from(), r.to())).toList())));
    json.put("epochs", epochs);
    return json;
  }
}
