package io.hubrelay;

/** Too many publishes are in flight already. Nothing was sent. */
public final class CongestedException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    CongestedException(String message, Throwable cause) {
        super(message, cause);
    }
}
