package io.hubrelay;

/**
 * The connection to the relay, or the relay's connection to Redis, ended before the answer came. Whether a publish was
 * delivered is unknown. The client never sends it again.
 */
public final class DeliveryUnknownException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    DeliveryUnknownException(String message, Throwable cause) {
        super(message, cause);
    }
}
