package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** Keeps all deadlines, in a thread of its own. What is not private is called with the client's lock. */
final class Clock implements Runnable {
    /**
     * How late the clock may be before it takes that for a process that did not run: it was stopped, or the machine
     * slept. Nobody's silence is counted from before that.
     */
    private static final long LATE = TimeUnit.SECONDS.toNanos(1);

    /** When it looks again after a failure of its own. */
    private static final long AGAIN = TimeUnit.SECONDS.toNanos(1);

    private final Core core;
    private final Condition kicked;
    private boolean isKicked;
    /** When the clock will look again. */
    private long due = NEVER;

    Clock(Core core) {
        this.core = core;
        kicked = core.lock.newCondition();
    }

    /** Has the clock look at its deadlines now. */
    void kick() {
        isKicked = true;
        kicked.signal();
    }

    /** Has the clock look at its deadlines at a time, or before. */
    void by(long time) {
        if (time < due) {
            kick();
        }
    }

    @Override
    public void run() {
        core.lock.lock();
        try {
            while (!core.stopped) {
                isKicked = false;
                long now = core.now();
                try {
                    tick(now);
                } catch (Throwable e) {
                    core.journal.log(Level.ERROR, "meeting a deadline has failed", e);
                    due = after(now, AGAIN);
                }
                core.letOthers(); // writes and tells what the deadlines have brought about
                await();
            }
        } finally {
            core.unlock();
        }
    }

    private void tick(long now) {
        if (due != NEVER && now - due > LATE) {
            core.servingAndNext().forEach(k -> k.liveness.read(now));
        }
        meetDeadlines(now);
        due = nextDeadline(now);
    }

    private void await() {
        while (!isKicked && !core.stopped) {
            long wait = due == NEVER ? NEVER : due - core.now();
            if (wait <= 0) {
                return;
            }
            try {
                kicked.awaitNanos(wait);
            } catch (InterruptedException e) {
                return; // only the application's code in this thread can have done that
            }
        }
    }

    private long nextDeadline(long now) {
        long next = Math.min(core.gaps.next(), core.waitUntil);
        for (Connection k : core.servingAndNext()) {
            if (!k.isWatched()) {
                continue;
            }
            next = Math.min(next, k.settler.due());
            if (!k.reader.isPaused() && !k.reader.isGivingUp()) {
                next = Math.min(next, k.liveness.due());
                // No later than what a request that is made right now will need, so that it need not wake the clock.
                next = Math.min(next, after(now, k.liveness.owedAfter()));
            }
        }
        if (core.old != null) {
            next = Math.min(next, core.old.drainDue);
        }
        if (isWithoutNext()) {
            next = Math.min(next, after(core.current.stoppedAt, core.options.successor));
        }
        return core.move == null ? next : Math.min(next, core.move.due);
    }

    /** The relay is stopping, and no next one has said Welcome. */
    private boolean isWithoutNext() {
        Connection k = core.current;
        return k != null && k.stopping && core.next == null && k.ended == null && !core.closing;
    }

    private void meetDeadlines(long now) {
        for (Connection k : core.servingAndNext()) {
            if (k.isWatched()) {
                watch(k, now);
            }
        }
        if (core.old != null && now >= core.old.drainDue) {
            core.old.end(new IOException("left: the relay was stopping, and did not answer in time"));
        }
        if (isWithoutNext() && now >= after(core.current.stoppedAt, core.options.successor)) {
            core.handover.leaveAlone(now);
        }
        if (core.move != null && now >= core.move.due) {
            core.handover.finish(now, true);
        }
        if (now >= core.waitUntil) {
            core.waitUntil = NEVER;
            core.publishing.admitWaiting();
        }
        Gap gap = core.gaps.fire(now);
        if (gap != null && core.names.isAnythingWanted()) {
            core.tellGap(gap);
        }
    }

    /** Finds a relay that hangs, and settles publishes without Reply. */
    private void watch(Connection k, long now) {
        if (now >= k.settler.due()) {
            core.requests.askSettled(k);
        }
        if (k.reader.isPaused() || k.reader.isGivingUp()) {
            return;
        }
        switch (k.liveness.check(now)) {
            case PING -> core.requests.ping(k);
            case GIVE_UP -> k.reader.giveUp(); // it looks whether something lies in the socket
            default -> { }
        }
    }
}
