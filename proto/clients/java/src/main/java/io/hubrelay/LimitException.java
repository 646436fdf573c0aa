package io.hubrelay;

/** The relay grants this connection no more subscriptions. */
public final class LimitException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    LimitException(String message, Throwable cause) {
        super(message, cause);
    }
}
