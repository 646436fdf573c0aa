package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;
import static io.hubrelay.Deadlines.after;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** Watches all deadlines, in a thread of its own. Methods that are not private are called with the client's lock. */
final class Clock implements Runnable {
    /**
     * How late the clock may be. If it is later, this process did not run: it was stopped, or the machine slept. Then
     * the relay's silence is counted from now on.
     */
    private static final long LATE = TimeUnit.SECONDS.toNanos(1);

    /** The delay before it tries again after a failure of its own. */
    private static final long AGAIN = TimeUnit.SECONDS.toNanos(1);

    private final Core core;
    private final Condition kicked;
    private boolean isKicked;
    /** The time of the clock's next check. */
    private long due = NEVER;

    Clock(Core core) {
        this.core = core;
        kicked = core.lock.newCondition();
    }

    /** Makes the clock check its deadlines now. */
    void kick() {
        isKicked = true;
        kicked.signal();
    }

    /** Makes the clock check its deadlines at that time or earlier. */
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
                core.letOthers(); // writes and reports what the deadlines have caused
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
                return; // only code of the application that runs in this thread can have interrupted it
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
                // Early enough for a request that is made right now, so that the request need not wake the clock.
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

    /** Whether the relay is stopping, and no next one has sent its Welcome. */
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

    /** Detects a relay that hangs, and settles publishes without Reply. */
    private void watch(Connection k, long now) {
        if (now >= k.settler.due()) {
            core.requests.askSettled(k);
        }
        if (k.reader.isPaused() || k.reader.isGivingUp()) {
            return;
        }
        switch (k.liveness.check(now)) {
            case PING -> core.requests.ping(k);
            case GIVE_UP -> k.reader.giveUp(); // the reader checks first whether the socket has bytes
            default -> { }
        }
    }
}
