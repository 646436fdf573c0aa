package io.hubrelay;

/**
 * There is no connection to a relay, or the relay has none to Redis. A publish was certainly not delivered, and is not
 * kept for later. The cause is what connecting said, where that is why.
 */
public final class NotConnectedException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    NotConnectedException(String message, Throwable cause) {
        super(message, cause);
    }
}
