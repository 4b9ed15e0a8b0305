package io.pulmo.model.data;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.Finding;
import io.pulmo.model.data.SyntheticRadiographs.Settings;
import io.pulmo.model.image.UnreadableImageException;
import io.pulmo.model.metric.AucReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThumbnailRegressionTest {
  @Test
  void evaluate_balancedSet_seesBrightnessButNotStructure(@TempDir Path folder)
      throws IOException, LabelListException, UnreadableImageException {
    SyntheticRadiographs.generate(new Settings(700, 1, 256, true), folder, done -> {});
    AucReport report =
        ThumbnailRegression.evaluate(
            folder.resolve("images"),
            LabelList.read(folder.resolve("train_list.txt")),
            LabelList.read(folder.resolve("test_list.txt")));
    assertTrue(report.images() >= 300, "only " + report.images() + " test images");
    assertTrue(report.fewestPositives() >= 15, "only " + report.fewestPositives() + " positives");
    assertTrue(report.mean() >= 0.70, "a mean of " + report.mean());
    for (Finding finding : List.of(Finding.MASS, Finding.NODULE, Finding.PNEUMOTHORAX)) {
      assertTrue(report.of(finding) <= 0.70, finding + " " + report.of(finding));
    }
  }
}
