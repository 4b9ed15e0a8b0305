package io.pulmo.model.image;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.SplittableRandom;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * A maker of JPEG files of every kind, by ImageIO's writer.
 *
 * @param width in pixels
 * @param height in pixels
 * @param components 1 grey, 3 in colour, 4 inks
 * @param across the first component's sampling factor
 * @param down the same downwards
 * @param progressive in scans
 * @param quality 0 to 1
 * @param restart blocks between restarts, 0 without
 */
record TestJpeg(
    int width,
    int height,
    int components,
    int across,
    int down,
    boolean progressive,
    float quality,
    int restart) {
  /** The sampling factors in use: 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1. */
  private static final int[][] FACTORS = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}};

  /** One of this size, drawn at random. */
  static TestJpeg draw(SplittableRandom random, int width, int height) {
    boolean grey = random.nextInt(5) == 0;
    int[] factors = grey ? FACTORS[0] : FACTORS[random.nextInt(FACTORS.length)];
    return new TestJpeg(
        width,
        height,
        grey ? 1 : 3,
        factors[0],
        factors[1],
        random.nextInt(5) < 2,
        random.nextInt(1, 101) / 100f,
        random.nextInt(3) == 0 ? random.nextInt(1, 12) : 0);
  }

  /** The file, of samples that a source of randomness draws: noise, waves or flat with an edge. */
  byte[] file(SplittableRandom random) {
    int content = random.nextInt(3);
    int[] levels = random.ints(8, 0, 256).toArray();
    byte[] samples = new byte[width * height * components];
    for (int i = 0; i < samples.length; i++) {
      int channel = i % components;
      int x = i / components % width;
      int y = i / components / width;
      samples[i] =
          (byte)
              switch (content) {
                case 0 -> random.nextInt(256);
                case 1 ->
                    (int) (128 + 100 * Math.sin(x / (7.0 + channel)) + 27 * Math.cos(y / 5.0));
                default -> levels[channel + (x > width / 2 && y > height / 3 ? 4 : 0)];
              };
    }
    return file(samples);
  }

  /** The file of these samples, components interleaved: grey, or red, green and blue. */
  byte[] file(byte[] samples) {
    int[] bands = new int[components];
    for (int i = 0; i < components; i++) {
      bands[i] = i;
    }
    WritableRaster raster =
        Raster.createInterleavedRaster(
            0, width, height, width * components, components, bands, null);
    raster.setDataElements(0, 0, width, height, samples);
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
      writer.setOutput(stream);
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(quality);
      param.setProgressiveMode(
          progressive ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
      if (components == 4) {
        writer.write(null, new IIOImage(raster, null, null), param);
      } else {
        BufferedImage image =
            new BufferedImage(
                width,
                height,
                components == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_3BYTE_BGR);
        image.getRaster().setRect(raster);
        IIOMetadata metadata =
            writer.getDefaultImageMetadata(
                ImageTypeSpecifier.createFromRenderedImage(image), param);
        adjust(metadata);
        writer.write(null, new IIOImage(image, null, metadata), param);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  private void adjust(IIOMetadata metadata) throws IOException {
    String format = metadata.getNativeMetadataFormatName();
    Node root = metadata.getAsTree(format);
    NodeList specs = ((IIOMetadataNode) root).getElementsByTagName("componentSpec");
    for (int i = 0; i < specs.getLength(); i++) {
      IIOMetadataNode spec = (IIOMetadataNode) specs.item(i);
      spec.setAttribute("HsamplingFactor", Integer.toString(i == 0 ? across : 1));
      spec.setAttribute("VsamplingFactor", Integer.toString(i == 0 ? down : 1));
    }
    if (restart > 0) {
      IIOMetadataNode interval = new IIOMetadataNode("dri");
      interval.setAttribute("interval", Integer.toString(restart));
      Node sequence = ((IIOMetadataNode) root).getElementsByTagName("markerSequence").item(0);
      sequence.insertBefore(interval, sequence.getFirstChild());
    }
    metadata.setFromTree(format, root);
  }
}
