package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Decides when to report that messages may have been missed. It has no clock and no connection: its input is times and
 * events, and its output is Gaps.
 *
 * <p>A reason is reported once the relay is receiving, the Subscribes that were sent before that have their Replies,
 * and a random delay has passed. A break in that time starts all of this again. If receiving stays false for a part of
 * the channels, a partial Gap comes first.
 */
final class GapTracker {
    /** The relay's count of gaps has grown. */
    static final String GAPS = "gaps";
    /** Messages between two connections may have been missed. */
    static final String CONNECTION = "new connection";
    /** A subscription that was pending is in force. */
    static final String PENDING = "subscription begun";
    /** Messages were dropped. */
    static final String LOSS = "loss";
    /** The client moved between two relays without a fence. */
    static final String MOVE = "next relay";

    private final long delay;
    private final long partial;
    private final DoubleSupplier random;
    private List<String> reasons = new ArrayList<>();
    private boolean receiving;
    /** The number of Subscribes without Reply that were sent before receiving began. */
    private int barrier;
    private long due = NEVER;
    private boolean degraded;
    /** The time of the last break that no Gap, complete or partial, has reported. */
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

    /** Sets the state of receiving. A Gap waits for that many Subscribes without Reply. */
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

    /** Adds requests that replace one that the Gap waits for. */
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

    /** Sets whether only a part of the channels is unavailable. */
    void degraded(boolean isDegraded) {
        degraded = isDegraded;
    }

    /** Notes a break. A partial Gap reports it unless receiving becomes true before. */
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

    /** The time when {@link #fire} has something to do. */
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

    /** Drops what is not reported yet: nothing is subscribed any more. */
    void forget() {
        reasons = new ArrayList<>();
        due = NEVER;
        grown = NEVER;
    }
}
