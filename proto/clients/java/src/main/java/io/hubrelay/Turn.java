package io.hubrelay;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/**
 * Who reads a connection. Mostly it is the connection's own thread. But while one publish after the other is made and
 * nobody listens, who waits for a Reply reads it itself: that saves waking another thread for each of them. Somebody
 * always reads soon: when nobody has had the turn for a moment, or something else is wanted, the thread takes it back.
 *
 * <p>Guarded by the client's lock.
 */
final class Turn {
    /** So many reads in a row have to bring one Reply and nothing else before callers read. */
    private static final int ALONE_READS = 8;
    /** How long the turn may be free. Nobody listens then: what waits as long is a Status or a Loss. */
    private static final long FREE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final MethodHandle IS_VIRTUAL = isVirtualHandle();

    private final Connection connection;
    private final Core core;
    private final Condition wanted;
    /** The thread that reads, null: nobody does, and the next caller may. */
    private volatile Thread holder;
    private Thread own;
    private int turns;
    private int alone;

    Turn(Connection connection) {
        this.connection = connection;
        core = connection.core;
        wanted = core.lock.newCondition();
    }

    /** The connection's own thread begins to read. */
    void begin(Thread thread) {
        own = thread;
        holder = thread;
    }

    /** Whether this thread reads the connection: it must not wait for anything that has to be read. */
    boolean isHeldByCurrentThread() {
        return holder == Thread.currentThread();
    }

    /** Whether the connection's own thread reads. */
    boolean isOwn() {
        return holder == own;
    }

    boolean isFree() {
        return holder == null;
    }

    /** Called behind what one read has brought: so many Replies to publishes. */
    void count(int replies) {
        alone = replies == 1 && isAlone() ? alone + 1 : 0;
    }

    /** Nothing can come that somebody waits for, but the Reply to the next publish. */
    private boolean isAlone() {
        return connection == core.current && core.next == null && core.old == null && connection.ended == null
                && !connection.stopping && !core.closing && !connection.owes() && !connection.output.isBlocked()
                && !core.names.isAnythingWanted();
    }

    /** Gives the own thread's turn away, if the last reads were for callers alone. */
    boolean free() {
        if (alone < ALONE_READS) {
            return false;
        }
        core.lock.lock();
        try {
            if (!isAlone()) {
                return false;
            }
            holder = null;
            return true;
        } finally {
            core.lock.unlock();
        }
    }

    /** Waits until the connection's own thread is to read again. */
    void standBy() {
        core.lock.lock();
        try {
            int seen = -1;
            while (holder != null || turns != seen && isAlone()) {
                seen = turns;
                waitForTurn();
            }
            holder = own;
            alone = 0;
        } finally {
            core.lock.unlock();
        }
    }

    private void waitForTurn() {
        try {
            wanted.awaitNanos(FREE_NANOS);
        } catch (InterruptedException e) {
            // Only what the application has run in this thread can have interrupted it. It goes on.
            alone = 0;
        }
    }

    /** Gives the turn to a caller that is about to publish, if it is free. A virtual thread would hold its carrier. */
    boolean take() {
        if (holder != null || isVirtual(Thread.currentThread())) {
            return false;
        }
        holder = Thread.currentThread();
        return true;
    }

    /** A caller has had its turn. Called without the client's lock. */
    void pass() {
        core.lock.lock();
        try {
            giveBack();
        } finally {
            core.lock.unlock();
        }
    }

    /** A caller has had its turn, or has no use for it. */
    void giveBack() {
        holder = null;
        turns++;
        if (!isAlone()) {
            wanted.signal();
        }
    }

    /** Something is wanted that the connection's own thread has to read. */
    void want() {
        if (holder == null) {
            wanted.signal();
        }
    }

    private static boolean isVirtual(Thread thread) {
        try {
            return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(thread);
        } catch (Throwable e) {
            throw new IllegalStateException("Thread.isVirtual has failed", e);
        }
    }

    /** Java has virtual threads from version 21 on; null before. */
    private static MethodHandle isVirtualHandle() {
        try {
            return MethodHandles.publicLookup().findVirtual(Thread.class, "isVirtual",
                    MethodType.methodType(boolean.class));
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }
}
