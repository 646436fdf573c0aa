/**
 * The codec of hubrelay's socket protocol, version 1: frames, their bytes, and the cutting of a stream into frames. It
 * does no I/O.
 */
package io.hubrelay.wire;
