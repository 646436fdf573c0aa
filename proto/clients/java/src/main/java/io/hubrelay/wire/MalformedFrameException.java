package io.hubrelay.wire;

/** Bytes are not a frame: the connection that they came from has to be closed. */
public final class MalformedFrameException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedFrameException(String message) {
        super(message);
    }
}
