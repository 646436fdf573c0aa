package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Decides when the application is told that messages may have been missed. It has no clock and no connection: times and
 * events go in, Gaps come out.
 *
 * <p>A reason is told once receiving, when the Subscribes that were sent before that have their Replies, and after a
 * random delay. A break in that time starts all of it anew. While receiving stays false in a part of the channels, a
 * partial Gap comes first.
 */
final class GapTracker {
    /** The relay's count has grown. */
    static final String GAPS = "gaps";
    /** Messages of the time between two connections. */
    static final String CONNECTION = "new connection";
    /** A subscription that was pending is in force. */
    static final String PENDING = "subscription begun";
    /** Messages were dropped. */
    static final String LOSS = "loss";
    /** A move between two relays without a fence. */
    static final String MOVE = "next relay";

    private final long delay;
    private final long partial;
    private final DoubleSupplier random;
    private List<String> reasons = new ArrayList<>();
    private boolean receiving;
    /** Subscribes without Reply that were sent before receiving. */
    private int barrier;
    private long due = NEVER;
    private boolean degraded;
    /** The last break that no Gap, whole or partial, has told. */
    private long grown = NEVER;

    /** Times are in nanoseconds. The random numbers are from 0 to 1. */
    GapTracker(long delay, long partial, DoubleSupplier random) {
        this.delay = delay;
        this.partial = partial;
        this.random = random;
    }

    void note(String reason, long now) {
        if (!reasons.contains(reason)) {
            reasons.add(reason);
        }
        arm(now);
    }

    /** A new state of receiving. A Gap waits for so many Subscribes that are on their way. */
    void begin(boolean nowReceiving, int subscribes, long now) {
        if (nowReceiving && receiving && subscribes == 0) {
            return;
        }
        receiving = nowReceiving;
        barrier = subscribes;
        due = NEVER;
        arm(now);
    }

    /** No connection, or a new one whose state is not known yet. */
    void broken(long now) {
        begin(false, 0, now);
    }

    boolean isReceiving() {
        return receiving;
    }

    int barrier() {
        return barrier;
    }

    /** Requests in place of one that the Gap waits for. */
    void addToBarrier(int subscribes) {
        barrier += subscribes;
    }

    /** The Reply to one of the Subscribes that the Gap waits for. */
    void answered(long now) {
        if (barrier > 0) {
            barrier--;
            arm(now);
        }
    }

    /** Whether only a part of the channels is away. */
    void degraded(boolean isDegraded) {
        degraded = isDegraded;
    }

    /** A break. A partial Gap tells it unless receiving becomes true before. */
    void grew(long now) {
        grown = now;
    }

    private long partialDue() {
        return degraded && !receiving && grown != NEVER ? after(grown, partial) : NEVER;
    }

    private void arm(long now) {
        if (!reasons.isEmpty() && receiving && barrier == 0 && due == NEVER) {
            due = after(now, (long) (random.getAsDouble() * delay));
        }
    }

    /** When {@link #fire} has something to do. */
    long next() {
        return Math.min(due, partialDue());
    }

    /** The Gap that is due, or null. */
    Gap fire(long now) {
        if (now >= due) {
            Gap gap = new Gap(reasons, false);
            forget();
            return gap;
        }
        if (now >= partialDue()) {
            grown = NEVER;
            return reasons.isEmpty() ? null : new Gap(reasons, true);
        }
        return null;
    }

    /** Drops what is not told yet: nothing is subscribed any more. */
    void forget() {
        reasons = new ArrayList<>();
        due = NEVER;
        grown = NEVER;
    }
}
