package io.hubrelay;

/** The state of the path between this process and Redis. */
public enum State {
    /** Both publishing and receiving work. */
    UP,
    /** Only one of publishing and receiving works, or only a part of the channels of a cluster. */
    DEGRADED,
    /** Neither publishing nor receiving works. */
    DOWN,
    /** The relay is shutting down. The client moves to the next one by itself. */
    STOPPING,
    /**
     * An unknown state of a newer relay, which is not UP. Use {@link Status#publishing()} and
     * {@link Status#receiving()}.
     */
    UNKNOWN;

    private static final State[] BY_NUMBER = {UNKNOWN, UP, DEGRADED, DOWN, STOPPING};

    static State of(int number) {
        return number > 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : UNKNOWN;
    }
}
