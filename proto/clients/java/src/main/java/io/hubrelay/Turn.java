package io.hubrelay;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/**
 * Decides which thread reads a connection. Usually it is the connection's own thread. But while publishes are made one
 * after the other and nobody listens, the thread that waits for a Reply reads it itself. That avoids waking another
 * thread for each Reply. Some thread always reads soon: if no thread has had the turn for a moment, or something else
 * is wanted, the connection's own thread takes it back.
 *
 * <p>Guarded by the client's lock.
 */
final class Turn {
    /** Callers read only after that many reads in a row have each brought one Reply and nothing else. */
    private static final int ALONE_READS = 8;
    /** How long the turn may be free. As nobody listens then, only a Status or a Loss can wait that long. */
    private static final long FREE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final MethodHandle IS_VIRTUAL = isVirtualHandle();

    private final Connection connection;
    private final Core core;
    private final Condition wanted;
    /** The thread that reads; null if none does, and the next caller may. */
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

    /** Whether this thread reads the connection. Then it must not wait for anything that has to be read. */
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

    /** Called after each read, with the number of Replies to publishes that it has brought. */
    void count(int replies) {
        alone = replies == 1 && isAlone() ? alone + 1 : 0;
    }

    /** Whether the only thing that somebody can wait for is the Reply to the next publish. */
    private boolean isAlone() {
        return connection == core.current && core.next == null && core.old == null && connection.ended == null
                && !connection.stopping && !core.closing && !connection.owes() && !connection.output.isBlocked()
                && !core.names.isAnythingWanted();
    }

    /** Releases the turn of the connection's own thread, if the last reads were only for callers. */
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
            // Only code of the application that ran in this thread can have interrupted it. It continues.
            alone = 0;
        }
    }

    /**
     * Gives the turn to a caller that is about to publish, if it is free. Not to a virtual thread: it would pin its
     * carrier.
     */
    boolean take() {
        if (holder != null || isVirtual(Thread.currentThread())) {
            return false;
        }
        holder = Thread.currentThread();
        return true;
    }

    /** Ends a caller's turn. Called without the client's lock. */
    void pass() {
        core.lock.lock();
        try {
            giveBack();
        } finally {
            core.lock.unlock();
        }
    }

    /** Ends a caller's turn, or returns it unused. */
    void giveBack() {
        holder = null;
        turns++;
        if (!isAlone()) {
            wanted.signal();
        }
    }

    /** Reports that the connection's own thread has to read something. */
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

    /** The method is in Java from version 21 on; null in older versions. */
    private static MethodHandle isVirtualHandle() {
        try {
            return MethodHandles.publicLookup().findVirtual(Thread.class, "isVirtual",
                    MethodType.methodType(boolean.class));
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }
}
