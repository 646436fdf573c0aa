package io.hubrelay;

/** The relay reported an outcome that this version does not know. Whether a publish was delivered is unknown. */
public final class UnknownOutcomeException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    UnknownOutcomeException(String message, Throwable cause) {
        super(message, cause);
    }
}
