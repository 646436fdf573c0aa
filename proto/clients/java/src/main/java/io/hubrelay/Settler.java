package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Counts one connection's publishes without Reply. At its end, exactly those are reported as unknown that may have been
 * lost without a report. The relay may hold a Loss back. Only the Reply to a Ping with {@code settled} confirms that
 * all publishes before the Ping are taken or in a Loss.
 */
final class Settler {
    private final long every;
    private boolean asks;
    /** The number of publishes without Reply. */
    private long sent;
    /** How many of them, from the first one on, are settled. */
    private long settled;
    /** How many of the others are in a Loss. */
    private long lost;
    private long since = NEVER;
    /** For each Ping with settled that has no Reply yet: the value of {@link #sent} when it was sent. */
    private final Deque<Long> asked = new ArrayDeque<>();

    /** Takes the time for which publishes stay unsettled before a Ping, in nanoseconds. */
    Settler(long every) {
        this.every = every;
    }

    /** Sets whether the relay answers Pings with settled. */
    void asks(boolean relayAnswers) {
        asks = relayAnswers;
    }

    /** Counts a publish without Reply. It returns true if nothing was unsettled before. */
    boolean send(long now) {
        sent++;
        boolean first = since == NEVER;
        if (first) {
            since = now;
        }
        return first;
    }

    /** Counts a Loss of that many publishes, those with unknown outcome included. */
    void loss(long publishes) {
        lost = Counts.plus(lost, publishes);
    }

    /** The time when a Ping is to be sent. */
    long due() {
        return asks && since != NEVER && asked.isEmpty() ? after(since, every) : NEVER;
    }

    /** Whether a Ping would settle something. */
    boolean isWorthAsking() {
        return asks && sent > (asked.isEmpty() ? settled : asked.getLast());
    }

    /** A Ping with settled is being sent. */
    void ask() {
        asked.add(sent);
    }

    /**
     * The Reply to the oldest of these Pings. The publishes of all Losses until now were sent before the Ping. A Reply
     * that is not OK does not settle anything.
     */
    void answered(boolean ok, long now) {
        long then = asked.remove();
        if (ok) {
            settled = then;
            lost = 0;
        }
        since = sent > settled ? now : NEVER;
    }

    /**
     * How many written publishes have an unknown outcome at the end, if the last {@code unwritten} were not written.
     */
    long unknown(long unwritten) {
        return Math.max(0, sent - settled - unwritten - Math.min(lost, sent));
    }
}
