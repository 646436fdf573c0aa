package io.hubrelay;

/** A request has failed. Each outcome has its own subclass. */
public abstract sealed class HubrelayException extends RuntimeException permits NotConnectedException,
        DeliveryUnknownException, RefusedException, InvalidRequestException, CongestedException, LimitException,
        ClosedException, UnknownOutcomeException {
    private static final long serialVersionUID = 1L;

    HubrelayException(String message, Throwable cause) {
        super(message, cause);
    }
}
