package io.hubrelay;

/** The client or the subscription is closed. Nothing was sent. */
public final class ClosedException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    ClosedException(String message, Throwable cause) {
        super(message, cause);
    }
}
