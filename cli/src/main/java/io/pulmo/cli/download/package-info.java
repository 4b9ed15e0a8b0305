/**
 * Archives of images from an HTTP server into a folder: resumed, checked, unpacked, and safe to
 * interrupt at any moment.
 */
@NullMarked
package io.pulmo.cli.download;

import org.jspecify.annotations.NullMarked;
