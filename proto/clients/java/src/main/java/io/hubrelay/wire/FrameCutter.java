package io.hubrelay.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Finds the bodies of frames in a stream of bytes. */
public final class FrameCutter {
    /** More bytes are needed. */
    public static final int INCOMPLETE = -1;

    private FrameCutter() {
    }

    /**
     * The length of the body of the frame that begins at {@code from}. The body begins {@link Protocol#HEADER_BYTES}
     * later.
     *
     * @param data an array with the stream in it
     * @param from where the frame begins
     * @param to where the stream ends for now
     * @param maxFrame the longest body that is allowed, in bytes
     * @return the length of the body, or {@link #INCOMPLETE}
     * @throws MalformedFrameException if the length is 0 or above the bound, even if the body is not there yet
     */
    public static int bodyLength(byte[] data, int from, int to, int maxFrame) throws MalformedFrameException {
        if (to - from < Protocol.HEADER_BYTES) {
            return INCOMPLETE;
        }
        long length = announcedLength(data, from);
        if (length == 0 || length > maxFrame) {
            throw new MalformedFrameException("a frame of " + length + " bytes");
        }
        return length <= to - from - Protocol.HEADER_BYTES ? (int) length : INCOMPLETE;
    }

    /**
     * The length that the header of a frame announces.
     *
     * @param data an array with the stream in it
     * @param from where the frame begins; at least four bytes are there
     * @return the length of the body
     */
    public static long announcedLength(byte[] data, int from) {
        return ByteBuffer.wrap(data, from, Protocol.HEADER_BYTES).order(ByteOrder.BIG_ENDIAN).getInt() & 0xffff_ffffL;
    }
}
