package io.pulmo.model.bundle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.pulmo.model.network.Preset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManifestTest {
  private static final String HASH = "0123456789abcdef".repeat(4);
  private static final Manifest MANIFEST =
      new Manifest(
          Manifest.FORMAT,
          "chexnet-nih",
          2,
          "2026-01-31T12:00:00Z",
          Preset.CHEXNET.network(),
          Preset.CHEXNET.preprocessing(),
          Manifest.LABELS,
          List.of(new FileEntry("fp32.onnx", 28_000_000_000L, HASH)),
          Map.of("job", "a \"quoted\" näme", "seed", "1"));

  @Test
  void parse_ownJson_isTheSame() throws BundleException {
    assertEquals(MANIFEST, Manifest.parse("manifest.json", MANIFEST.json()));
    assertArrayEquals(MANIFEST.json(), Manifest.parse("manifest.json", MANIFEST.json()).json());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"format\" : 1          | \"format\" : 2           | format is 2, expected 1",
        "\"format\" : 1          | \"format\" : \"1\"       | format is \"1\", expected a whole",
        "\"name\" : \"chexnet-nih\" | \"name\" : \"../etc\" | name is '../etc', expected lower",
        "\"name\"                | \"nom\"                  | key 'name' is missing",
        "\"version\" : 2         | \"version\" : 0          | version is 0, expected a whole",
        "\"version\" : 2         | \"version\" : 2.5        | version is 2.5, expected a whole",
        "\"version\" : 2         | \"version\" : 2, \"version\" : 3 | not JSON",
        "\"version\" : 2         | \"version\" : 2, \"x\" : 3       | unknown key 'x'",
        "\"growthRate\" : 32     | \"growthRate\" : 32000   | growthRate is 32000, expected",
        "\"growthRate\" : 32     | \"growth\" : 32          | 'network.growthRate' is missing",
        "\"cropPixels\" : 224    | \"cropPixels\" : 257     | cropPixels is 257, expected",
        "0.485                   | \"0.485\"                | preprocessing.mean is \"0.485\"",
        "0.485                   | 1e999                    | expected a number",
        "\"Hernia\"              | \"Hiccup\"               | labels are",
        "2026-01-31T12           | yesterday                | createdAt is 'yesterday:00:00Z'",
        "fp32.onnx               | ../fp32.onnx             | file name is '../fp32.onnx'",
        "fp32.onnx               | manifest.json            | never manifest.json",
        "28000000000             | -1                       | files.bytes is -1, expected",
        "0123456789abcdef0       | X123456789abcdef0        | sha256 of fp32.onnx is 'X12",
        "\"seed\" : \"1\"        | \"seed\" : 1             | provenance.seed is 1, expected a text",
      })
  void parse_wrongValue_namesFileKeyValueAndExpectation(
      String right, String wrong, String expected) {
    String json = new String(MANIFEST.json(), StandardCharsets.UTF_8);
    assertTrue(json.contains(right), right);
    byte[] altered =
        json.replaceFirst(Pattern.quote(right), wrong).getBytes(StandardCharsets.UTF_8);
    BundleException e =
        assertThrows(BundleException.class, () -> Manifest.parse("dir/manifest.json", altered));
    assertTrue(e.toString().contains("dir/manifest.json"), e.toString());
    assertTrue(e.toString().contains(expected), e.toString());
  }

  @Test
  void parse_deepNesting_isRefused() {
    byte[] deep = "[".repeat(100_000).getBytes(StandardCharsets.UTF_8);
    assertThrows(BundleException.class, () -> Manifest.parse("manifest.json", deep));
  }

  @Property(tries = 3000)
  void parse_anyDamage_isReadOrRefusedByName(@ForAll long seed) {
    Random random = new Random(seed);
    byte[] json = MANIFEST.json();
    for (int i = random.nextInt(4); i >= 0; i--) {
      json[random.nextInt(json.length)] = (byte) random.nextInt(256);
    }
    if (random.nextBoolean()) {
      json = Arrays.copyOf(json, random.nextInt(json.length));
    }
    try {
      Manifest.parse("manifest.json", json);
    } catch (BundleException e) {
      assertTrue(e.toString().contains("manifest.json"), e.toString());
    }
  }

  @Test
  void grey_ofOneSeed_isTheFormula() {
    // The generator's first three bytes from seed 1 are 108, 130 and 165: one cell, two grains.
    byte[] pixels = SelfTest.grey(1, 2);
    assertEquals(32 + 54 + 32, pixels[0] & 0xff);
    assertEquals(32 + 54 + 41, pixels[1] & 0xff);
    assertEquals(4, pixels.length);
  }

  @Test
  void mismatch_beyondTolerance_namesTheWorstFinding() {
    SelfTest test = new SelfTest(1, Collections.nCopies(14, 0.5f), 1e-4f);
    float[] answer = new float[14];
    Arrays.fill(answer, 0.50005f);
    assertTrue(test.mismatch(answer).isEmpty());
    answer[13] = 0.51f;
    answer[4] = 0.505f;
    assertTrue(test.mismatch(answer).orElseThrow().contains("0.51 for Hernia"));
    assertTrue(test.mismatch(answer, 0.011f).isEmpty());
    answer[4] = Float.NaN;
    assertTrue(test.mismatch(answer).orElseThrow().contains("NaN"));
    assertTrue(test.mismatch(new float[13]).orElseThrow().contains("13"));
  }
}
