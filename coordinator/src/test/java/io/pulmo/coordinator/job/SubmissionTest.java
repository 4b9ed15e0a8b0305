package io.pulmo.coordinator.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.job.JobFile;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which earlier job a submission is. */
class SubmissionTest {
  private static final String YAML = "name: lungs\ndata: {train: t, validation: v, images: i}\n";
  private static final JobRecord.File TRAIN = new JobRecord.File("t", "a".repeat(64), 8);
  private static final JobRecord.File VALIDATION = new JobRecord.File("v", "b".repeat(64), 8);
  private static final JobRecord.File OTHER = new JobRecord.File("v", "c".repeat(64), 8);

  private static Submission submission(JobRecord.File validation, String key) {
    return new Submission(YAML, List.of(TRAIN, validation), key);
  }

  private static JobRecord job(String id, JobState state, JobRecord.File validation) {
    return new JobRecord(
        id,
        1,
        "lungs",
        "key-of-" + id,
        YAML,
        List.of(validation, TRAIN),
        state,
        "",
        0,
        0,
        0,
        0,
        0,
        "",
        List.of(),
        0,
        null,
        List.of(),
        List.of(),
        "");
  }

  @ParameterizedTest
  @EnumSource(
      value = JobState.class,
      names = {"QUEUED", "RUNNING", "COMPLETED"})
  void submission_ofTheContentOfAJobThatStands_isThatJob(JobState state) {
    assertEquals(
        Optional.of("lungs-1"),
        submission(VALIDATION, "new").earlier("lungs", List.of(job("lungs-1", state, VALIDATION))));
  }

  @ParameterizedTest
  @EnumSource(
      value = JobState.class,
      names = {"FAILED", "CANCELLED"})
  void submission_ofTheContentOfAJobThatCameToNothing_isNew(JobState state) {
    List<JobRecord> jobs = List.of(job("lungs-1", state, VALIDATION));
    assertEquals(Optional.empty(), submission(VALIDATION, "new").earlier("lungs", jobs));
    // Unless it is that very submission, whose answer was lost.
    assertEquals(
        Optional.of("lungs-1"), submission(VALIDATION, "key-of-lungs-1").earlier("lungs", jobs));
  }

  @ParameterizedTest
  @EnumSource(
      value = JobState.class,
      names = {"QUEUED", "RUNNING"})
  void submission_ofOtherContentWhileANamesakeWaitsOrRuns_isRefusedNamingIt(JobState state) {
    RefusedException refused =
        assertThrows(
            RefusedException.class,
            () ->
                submission(OTHER, "new")
                    .earlier("lungs", List.of(job("lungs-1", state, VALIDATION))));
    assertEquals(RefusedException.Kind.EXISTS, refused.kind());
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains("job lungs-1 has the name 'lungs' and other content"), message);
    assertTrue(message.contains("'pulmo train cancel lungs-1'"), message);
  }

  @Test
  void submission_ofOtherContent_onceANamesakeHasEnded_isNew() {
    for (JobState ended : List.of(JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)) {
      assertEquals(
          Optional.empty(),
          submission(OTHER, "new").earlier("lungs", List.of(job("lungs-1", ended, VALIDATION))));
    }
  }

  @Test
  void submission_underAnotherName_isNewWhateverItsContent() {
    assertEquals(
        Optional.empty(),
        submission(VALIDATION, "new")
            .earlier("heart", List.of(job("lungs-1", JobState.RUNNING, VALIDATION))));
  }

  @Test
  void submission_ofAnotherYamlWithTheSameFiles_isOtherContent() {
    Submission changed = new Submission(YAML + "epochs: 3\n", List.of(TRAIN, VALIDATION), "new");
    assertThrows(
        RefusedException.class,
        () -> changed.earlier("lungs", List.of(job("lungs-1", JobState.QUEUED, VALIDATION))));
  }

  @Test
  void submission_whoseFileIsNotStored_isRefusedAsOneThatUploadingMends() {
    RefusedException refused =
        assertThrows(
            RefusedException.class,
            () ->
                submission(VALIDATION, "new")
                    .check(
                        JobFile.parse(YAML),
                        sha256 ->
                            sha256.equals(TRAIN.sha256())
                                ? OptionalLong.of(8)
                                : OptionalLong.empty()));
    assertEquals(RefusedException.Kind.NOT_STORED, refused.kind());
    assertTrue(String.valueOf(refused.getMessage()).startsWith("file 'v' is blob bbb"));
  }
}
