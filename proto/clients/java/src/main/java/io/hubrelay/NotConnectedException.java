package io.hubrelay;

/**
 * There is no connection to a relay, or the relay has no connection to Redis. A publish was certainly not delivered,
 * and is not kept for later. If the connection to the relay or the attempt to make it has failed, the cause is that
 * error.
 */
public final class NotConnectedException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    NotConnectedException(String message, Throwable cause) {
        super(message, cause);
    }
}
