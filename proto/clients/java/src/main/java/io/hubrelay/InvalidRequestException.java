package io.hubrelay;

/**
 * The request itself is wrong: a name that is empty, too long or has no UTF-8, or a payload that is too large. Nothing
 * was sent to Redis.
 */
public final class InvalidRequestException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    InvalidRequestException(String message, Throwable cause) {
        super(message, cause);
    }
}
