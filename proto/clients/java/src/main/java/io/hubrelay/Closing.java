package io.hubrelay;

import io.hubrelay.Failure.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Closes a client in an orderly way. */
final class Closing {
    /** The client's threads get at least that much time to end. They wait only for code of the application. */
    private static final long END = TimeUnit.MILLISECONDS.toNanos(100);

    private final Core core;

    Closing(Core core) {
        this.core = core;
    }

    /** Closes, and waits for the end. An interrupt cuts the wait for answers short; the thread stays interrupted. */
    void close() {
        begin();
        long due = Deadlines.after(core.now(), core.options.drain);
        boolean interrupted = !waitUntilSettled(due);
        stop();
        interrupted |= !join(Math.max(due, Deadlines.after(core.now(), END)));
        core.endQueues();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void begin() {
        core.lock.lock();
        try {
            if (!core.closing) {
                core.closing = true;
                core.publishing.failWaiting(Kind.CLOSED);
                core.requests.askSettled(core.current);
                core.announce();
            }
        } finally {
            core.unlock();
        }
    }

    /**
     * Waits until no connection owes a Reply or has unsettled publishes without Reply. Returns false if interrupted.
     */
    private boolean waitUntilSettled(long due) {
        core.lock.lock();
        try {
            while (isUnsettled() && core.now() < due) {
                core.awaitChangeInterruptibly(due);
            }
            return true;
        } catch (InterruptedException e) {
            return false;
        } finally {
            core.unlock();
        }
    }

    private boolean isUnsettled() {
        Connection k = core.current;
        boolean owed = k != null && k.owes() || core.old != null && core.old.owes();
        if (!owed && k != null && k.isUnsettled() && !k.output.isShutting()) {
            k.output.shutAfterOutput(); // the relay also reads all that was sent before it closes
        }
        return owed || k != null && k.isUnsettled() || core.old != null && core.old.isUnsettled();
    }

    private void stop() {
        core.lock.lock();
        try {
            core.stopped = true;
            core.clock.kick();
            core.announce();
            for (Connection k : new Connection[] {core.attempt, core.next, core.current, core.old}) {
                if (k != null) {
                    k.end(new IOException("the client was closed"));
                }
            }
        } finally {
            core.unlock();
        }
    }

    /** Waits for the client's threads, and for the logger. Returns false if interrupted. */
    private boolean join(long due) {
        List<Thread> threads;
        core.lock.lock();
        try {
            threads = new ArrayList<>(core.threads);
        } finally {
            core.unlock();
        }
        try {
            for (Thread thread : threads) {
                // If one of them runs code of the application, that must not delay the end for ever.
                TimeUnit.NANOSECONDS.timedJoin(thread, due - core.now());
            }
            core.journal.awaitIdle(due - core.now());
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }
}
