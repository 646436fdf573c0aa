package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Keeps count of one connection's publishes without Reply, so that at its end exactly those are told as unknown that
 * may have been lost without being reported. The relay may hold a Loss back; only the Reply to a Ping with {@code
 * settled} says that all before it are taken or in a Loss.
 */
final class Settler {
    private final long every;
    private boolean asks;
    /** Publishes without Reply. */
    private long sent;
    /** Of these, the first so many are settled. */
    private long settled;
    /** Of the others, so many are in a Loss. */
    private long lost;
    private long since = NEVER;
    /** Pings with settled that are on their way, as what {@link #sent} was then. */
    private final Deque<Long> asked = new ArrayDeque<>();

    /** How long publishes stay unsettled before a Ping, in nanoseconds. */
    Settler(long every) {
        this.every = every;
    }

    /** Whether the relay answers Pings with settled. */
    void asks(boolean relayAnswers) {
        asks = relayAnswers;
    }

    /** One more publish without Reply. It returns true when nothing was unsettled before. */
    boolean send(long now) {
        sent++;
        boolean first = since == NEVER;
        if (first) {
            since = now;
        }
        return first;
    }

    /** A Loss of so many publishes, known and unknown. */
    void loss(long publishes) {
        lost = Counts.plus(lost, publishes);
    }

    /** When a Ping is to be sent. */
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
     * The Reply to the oldest of them. What was in a Loss until now was sent before the Ping. One that is not OK
     * settles nothing.
     */
    void answered(boolean ok, long now) {
        long then = asked.remove();
        if (ok) {
            settled = then;
            lost = 0;
        }
        since = sent > settled ? now : NEVER;
    }

    /** How many of those that were written are unknown at the end, when the last so many were not written. */
    long unknown(long unwritten) {
        return Math.max(0, sent - settled - unwritten - Math.min(lost, sent));
    }
}
