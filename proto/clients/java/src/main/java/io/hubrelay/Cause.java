package io.hubrelay;

/** Why something was lost, or why the state is as it is. */
public enum Cause {
    /** There is no cause. */
    UNSPECIFIED(0),
    /** Loss: the application, or this client, did not read fast enough. */
    SLOW_READER(1),
    /** Loss: a message from Redis does not fit into a frame. */
    TOO_LARGE(2),
    /** Loss: a message on a channel whose name is not UTF-8, is empty or is too long. */
    BAD_NAME(3),
    /** Loss: publishes at a time when the relay was not publishing. */
    NOT_CONNECTED(4),
    /** Loss: publishes that Redis answered with an error. */
    REFUSED(5),
    /** Loss: publishes that were not valid. */
    INVALID(6),
    /** The relay has not been UP yet. */
    STARTING(16),
    /** The relay is shutting down. */
    STOPPING(17),
    /** Redis cannot be reached. */
    UNREACHABLE(18),
    /** Redis closed the connection. */
    CLOSED(19),
    /** Redis did not answer in time. */
    TIMEOUT(20),
    /** Redis does not accept the relay's credentials. */
    AUTH(21),
    /** The TLS handshake failed. */
    TLS(22),
    /** Redis is loading its data, or has no client slot left. */
    BUSY(23),
    /** The Redis server is not a master any more. */
    DEMOTED(24),
    /** The relay's message to itself did not come back. */
    PROBE(25),
    /** The peer of the relay does not speak Redis's protocol. */
    PROTOCOL(26),
    /** No master is known, or some slots of a cluster are unavailable. */
    TOPOLOGY(27),
    /** This client has no connection to a relay. */
    NO_RELAY(28),
    /** A cause that this version does not know, from a newer relay. */
    UNKNOWN(-1);

    private final int number;

    Cause(int number) {
        this.number = number;
    }

    /**
     * The number in the protocol.
     *
     * @return the number; -1 for {@link #UNKNOWN}
     */
    public int number() {
        return number;
    }

    static Cause of(int number) {
        for (Cause cause : values()) {
            if (cause.number == number && cause != UNKNOWN) {
                return cause;
            }
        }
        return UNKNOWN;
    }
}
