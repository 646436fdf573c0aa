package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

/** Detects a relay that hangs. It has no clock and no socket. Times are in nanoseconds. */
final class Liveness {
    /** The action that is due. */
    enum Action { WAIT, PING, GIVE_UP }

    private final long owedAfter;
    private final long idleAfter;
    private final long timeout;
    private long lastRead;
    private long owedSince = NEVER;
    private long pinged = NEVER;

    /**
     * Takes the silence until a Ping while an answer is outstanding, the silence until a Ping otherwise, and the
     * silence after a Ping.
     */
    Liveness(long owedAfter, long idleAfter, long timeout, long now) {
        this.owedAfter = owedAfter;
        this.idleAfter = idleAfter;
        this.timeout = timeout;
        lastRead = now;
    }

    /**
     * Bytes have come. Also called to count silence from now on, after this process did not run or did not read on
     * purpose.
     */
    void read(long now) {
        lastRead = now;
        pinged = NEVER;
    }

    /** A request was written while no other answer was outstanding. */
    void owed(long now) {
        owedSince = now;
    }

    /** No answer is outstanding any more. */
    void settled() {
        owedSince = NEVER;
    }

    /** Whether a Ping was sent, and no bytes have come since then. */
    boolean isPinged() {
        return pinged != NEVER;
    }

    /** The time when {@link #check} has something to do. */
    long due() {
        if (pinged != NEVER) {
            return after(pinged, timeout);
        }
        long idle = after(lastRead, idleAfter);
        return owedSince == NEVER ? idle : Math.min(idle, after(Math.max(lastRead, owedSince), owedAfter));
    }

    /** How long after a request the silence is checked. */
    long owedAfter() {
        return owedAfter;
    }

    Action check(long now) {
        if (now < due()) {
            return Action.WAIT;
        }
        if (pinged != NEVER) {
            return Action.GIVE_UP;
        }
        pinged = now;
        return Action.PING;
    }
}
