package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

/** Finds a relay that hangs. It has no clock and no socket. Times are in nanoseconds. */
final class Liveness {
    /** What is to be done. */
    enum Action { WAIT, PING, GIVE_UP }

    private final long owedAfter;
    private final long idleAfter;
    private final long timeout;
    private long lastRead;
    private long owedSince = NEVER;
    private long pinged = NEVER;

    /** Silence while something is owed until a Ping, silence at all until a Ping, and silence after a Ping. */
    Liveness(long owedAfter, long idleAfter, long timeout, long now) {
        this.owedAfter = owedAfter;
        this.idleAfter = idleAfter;
        this.timeout = timeout;
        lastRead = now;
    }

    /** Bytes have come; or all waiting begins anew, since this process did not run, or did not read on purpose. */
    void read(long now) {
        lastRead = now;
        pinged = NEVER;
    }

    /** A request was written while nothing else was owed. */
    void owed(long now) {
        owedSince = now;
    }

    /** Nothing is owed any more. */
    void settled() {
        owedSince = NEVER;
    }

    /** Whether a Ping was sent, and nothing has come since. */
    boolean isPinged() {
        return pinged != NEVER;
    }

    /** When {@link #check} has something to do. */
    long due() {
        if (pinged != NEVER) {
            return after(pinged, timeout);
        }
        long idle = after(lastRead, idleAfter);
        return owedSince == NEVER ? idle : Math.min(idle, after(Math.max(lastRead, owedSince), owedAfter));
    }

    /** How long after a request its silence is looked at. */
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
