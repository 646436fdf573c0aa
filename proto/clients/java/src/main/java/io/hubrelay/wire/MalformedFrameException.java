package io.hubrelay.wire;

/** Bytes that are no frame: the connection that they came from has to be closed. */
public final class MalformedFrameException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedFrameException(String message) {
        super(message);
    }
}
