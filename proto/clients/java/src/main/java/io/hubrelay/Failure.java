package io.hubrelay;

import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Reply;

/**
 * The outcome of a request that failed, before it becomes an exception. The thread that throws the exception makes it,
 * so that its stack is the caller's.
 */
record Failure(Kind kind, String operation, String detail, Throwable cause, Names names) {
    /** The kinds of failure. Each has its own exception. */
    enum Kind {
        NOT_CONNECTED("not connected"), INTERRUPTED("interrupted"), REFUSED("refused"), INVALID("invalid"),
        CONGESTED("congested"), LIMIT("limit reached"), CLOSED("closed"), UNKNOWN("unknown outcome");

        private final String text;

        Kind(String text) {
            this.text = text;
        }
    }

    private static final Names NO_NAMES = Names.ofChannels();

    static Failure of(Kind kind, String operation, String detail) {
        return new Failure(kind, operation, detail, null, NO_NAMES);
    }

    static Failure of(Kind kind, String operation, Throwable cause) {
        return new Failure(kind, operation, cause.getMessage(), cause, NO_NAMES);
    }

    /** The failure of a Reply that is neither OK nor PENDING. */
    static Failure of(String operation, Reply reply) {
        Kind kind = switch (reply.outcome) {
            case Protocol.OUTCOME_NOT_CONNECTED -> Kind.NOT_CONNECTED;
            case Protocol.OUTCOME_INTERRUPTED -> Kind.INTERRUPTED;
            case Protocol.OUTCOME_REFUSED -> Kind.REFUSED;
            case Protocol.OUTCOME_INVALID -> Kind.INVALID;
            case Protocol.OUTCOME_LIMIT -> Kind.LIMIT;
            default -> Kind.UNKNOWN;
        };
        return new Failure(kind, operation, reply.detail, null, new Names(reply.channels, reply.patterns));
    }

    HubrelayException toException() {
        String message = operation + ": " + kind.text + (detail == null || detail.isEmpty() ? "" : ": " + detail);
        return switch (kind) {
            case NOT_CONNECTED -> new NotConnectedException(message, cause);
            case INTERRUPTED -> new DeliveryUnknownException(message, cause);
            case REFUSED -> new RefusedException(message, names);
            case INVALID -> new InvalidRequestException(message, cause);
            case CONGESTED -> new CongestedException(message, cause);
            case LIMIT -> new LimitException(message, cause);
            case CLOSED -> new ClosedException(message, cause);
            case UNKNOWN -> new UnknownOutcomeException(message, cause);
        };
    }
}
