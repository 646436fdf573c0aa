package io.hubrelay;

/** The state of the path between this process and Redis. */
public enum State {
    /** Publishing and receiving. */
    UP,
    /** One of the two, or part of the channels of a cluster. */
    DEGRADED,
    /** Neither. */
    DOWN,
    /** The relay shuts down. The client moves to the next one by itself. */
    STOPPING,
    /** A state of a newer relay: not UP. {@link Status#publishing()} and {@link Status#receiving()} count. */
    UNKNOWN;

    private static final State[] BY_NUMBER = {UNKNOWN, UP, DEGRADED, DOWN, STOPPING};

    static State of(int number) {
        return number > 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : UNKNOWN;
    }
}
