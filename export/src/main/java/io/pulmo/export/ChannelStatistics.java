package io.pulmo.export;

/**
 * What one value of the network was, channel by channel, over the calibration's crops.
 *
 * @param sidePixels the height and width of each channel
 * @param least the least of all, by channel; as all arrays here
 * @param greatest the greatest of all
 * @param mean of all
 * @param meanSquare the mean of the squares
 */
record ChannelStatistics(
    int sidePixels, double[] least, double[] greatest, double[] mean, double[] meanSquare) {

  int channels() {
    return mean.length;
  }
}
