package io.hubrelay;

/** The relay does not grant this connection any more subscriptions. */
public final class LimitException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    LimitException(String message, Throwable cause) {
        super(message, cause);
    }
}
