package io.pulmo.model.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.pulmo.model.Finding;
import io.pulmo.model.data.LabelList;
import io.pulmo.model.data.LabelListException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class AucReportTest {
  private final LabelList labels = labels();

  private static LabelList labels() {
    String lines =
        """
        a.png 1 1 0 0 0 0 0 0 0 0 0 0 0 0
        b.png 0 1 0 0 0 0 0 0 0 0 0 0 0 1
        c.png 0 0 0 0 0 0 0 0 0 0 0 0 0 1
        """;
    try {
      return LabelList.parse(
          "test", new ByteArrayInputStream(lines.getBytes(StandardCharsets.US_ASCII)));
    } catch (IOException | LabelListException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void of_someFindings_averagesTheDefinedOnes() {
    float[] scores = new float[3 * Finding.COUNT];
    // Atelectasis: right. Cardiomegaly: half right. Hernia: wrong.
    scores[0] = 0.9f;
    scores[1] = 0.5f;
    scores[Finding.COUNT + 1] = 0.1f;
    scores[2 * Finding.COUNT + 1] = 0.3f;
    scores[13] = 1;
    AucReport report = AucReport.of(scores, labels);
    assertEquals(1, report.of(Finding.ATELECTASIS));
    assertEquals(0.5, report.of(Finding.CARDIOMEGALY));
    assertEquals(0, report.of(Finding.HERNIA));
    assertEquals(Double.NaN, report.of(Finding.MASS));
    assertEquals(0.5, report.mean());
    assertEquals(0, report.fewestPositives());
    assertEquals(3, report.images());
  }

  @Test
  void of_wrongCount_isRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> AucReport.of(new float[Finding.COUNT], labels));
  }
}
