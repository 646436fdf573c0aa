package io.hubrelay;

/**
 * The request itself is wrong: a name is empty, too long or cannot be encoded in UTF-8, or a payload is too large.
 * Nothing was sent to Redis.
 */
public final class InvalidRequestException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    InvalidRequestException(String message, Throwable cause) {
        super(message, cause);
    }
}
