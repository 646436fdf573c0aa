package io.hubrelay;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A bounded list of events. Events that it cannot take are dropped and counted, and a Loss at their place reports them.
 * Of Status and Gap it keeps the newest.
 *
 * <p>It has two ends with a lock each, so that a thread that adds and a thread that takes seldom wait for each other.
 * Events are added to the inbox. When the outbox is empty, all of them are moved there at once.
 */
final class EventQueue {
    /** The size that an event counts for in another queue when one queue already holds it, in bytes. */
    private static final int REFERENCE_BYTES = 16;
    private static final int LARGE = 1024;
    /** Taken events are accounted for when the outbox is empty, or once they exceed this part of the limit. */
    private static final int ACCOUNTS = 8;

    private final Core core;
    private final int limit;
    /** Whether a Gap follows a Loss of this queue's own. Otherwise the Loss itself also means a Gap. */
    private final boolean tellsGap;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private ArrayDeque<Event> inbox = new ArrayDeque<>();
    /** The size of both lists, and of what was taken since the last {@link #account}. */
    private long bytes;
    private final Overflow overflow = new Overflow();
    private boolean waiting;
    private boolean closed;
    private HandlerLoop handler;
    /** Whether this queue is in the list of those that are woken later. Guarded by the client's lock. */
    boolean wakePlanned;
    /** An event found no room: {@link Core#resumeReading} is called once the queue is at most half full. */
    private boolean full;

    private final ReentrantLock takeLock = new ReentrantLock();
    private ArrayDeque<Event> outbox = new ArrayDeque<>();
    /** The size of the outbox when it was filled. A large list is not kept after a burst. */
    private int peak;
    /** The size of what was taken and is not accounted for yet, in bytes: for this queue, and for all queues. */
    private long takenHere;
    private long takenOfAll;

    EventQueue(Core core, boolean tellsGap) {
        this.core = core;
        this.limit = core.options.queue;
        this.tellsGap = tellsGap;
    }

    /**
     * Adds an event. Called with the client's lock; when that is released, a waiting reader is woken.
     *
     * @return false if it was a message that found no room
     */
    boolean push(Event event) {
        lock.lock();
        try {
            if (closed) {
                return true;
            }
            if (waiting || handler != null) {
                core.wakeLater(this);
            }
            int size = EventSize.of(event);
            int more = event instanceof Message m && Message.QUEUES.get(m) > 0 ? 0 : size;
            if (!overflow.isEmpty() && hasRoom(size, more)) {
                flushOverflow();
            }
            if (!overflow.isEmpty() || !hasRoom(size, more)) {
                full = true;
                return overflow.add(event);
            }
            append(event, size);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether an event has room: an empty queue takes any. {@code more} is what the event adds to the size of all
     * queues.
     */
    private boolean hasRoom(int size, int more) {
        return bytes == 0
                || bytes + size <= limit && core.queued.get() + more + REFERENCE_BYTES <= core.options.allQueues;
    }

    private void append(Event event, int size) {
        inbox.add(event);
        bytes += size;
        boolean shared = event instanceof Message m && Message.QUEUES.getAndIncrement(m) > 0;
        core.queued.addAndGet(REFERENCE_BYTES + (shared ? 0 : size));
    }

    /** Notes that an event was taken. With the lock of takers. */
    private void taken(Event event) {
        int size = EventSize.of(event);
        boolean shared = event instanceof Message m && Message.QUEUES.decrementAndGet(m) > 0;
        takenHere += size;
        takenOfAll += REFERENCE_BYTES + (shared ? 0 : size);
    }

    /** Accounts for the taken events. Not after each event, since it makes the other end wait. With both locks. */
    private void account() {
        bytes -= takenHere;
        core.queued.addAndGet(-takenOfAll);
        takenHere = 0;
        takenOfAll = 0;
    }

    private void flushOverflow() {
        for (Event event : overflow.take(tellsGap)) {
            append(event, EventSize.of(event));
        }
    }

    /** Wakes the reader that waits. Called without the client's lock. */
    void wake() {
        HandlerLoop loop;
        lock.lock();
        try {
            arrived.signal();
            loop = handler;
        } finally {
            lock.unlock();
        }
        if (loop != null) {
            loop.schedule();
        }
    }

    /** Calls a handler from now on. Returns false if there is one already. */
    boolean attach(HandlerLoop loop) {
        lock.lock();
        try {
            if (handler != null) {
                return false;
            }
            handler = loop;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the next event.
     *
     * @param nanos how long to wait for it; 0 means not at all, and then an interrupt has no effect
     * @return null at the timeout or at the end; {@link #isOver} says which
     */
    Event take(long nanos) throws InterruptedException {
        long deadline = System.nanoTime() + nanos;
        if (!takeLock.tryLock() && (nanos == 0 || !takeLock.tryLock(nanos, TimeUnit.NANOSECONDS))) {
            return null;
        }
        Event event;
        boolean hasRoom = false;
        try {
            event = outbox.poll();
            if (event == null) {
                event = refill(deadline, nanos);
            }
            if (event == null) {
                return null;
            }
            taken(event);
            if (outbox.isEmpty() || takenHere > limit / ACCOUNTS) {
                hasRoom = accountAndLook();
            }
        } finally {
            takeLock.unlock();
        }
        if (hasRoom) {
            core.resumeReading();
        }
        return event;
    }

    /** Accounts for the taken events. Returns true if the queue was full and has room now. */
    private boolean accountAndLook() {
        lock.lock();
        try {
            account();
            boolean hasRoom = full && bytes <= limit / 2;
            full &= !hasRoom;
            return hasRoom;
        } finally {
            lock.unlock();
        }
    }

    /** Moves all events to the outbox, and takes the first one. */
    private Event refill(long deadline, long nanos) throws InterruptedException {
        lock.lock();
        try {
            while (inbox.isEmpty() && overflow.isEmpty() && !closed) {
                long left = nanos == Long.MAX_VALUE ? nanos : deadline - System.nanoTime();
                if (left <= 0) {
                    return null;
                }
                waiting = true;
                try {
                    arrived.awaitNanos(left);
                } finally {
                    waiting = false;
                }
            }
            if (!overflow.isEmpty() && inbox.isEmpty()) {
                flushOverflow();
            }
            ArrayDeque<Event> empty = peak <= LARGE ? outbox : new ArrayDeque<>();
            peak = inbox.size();
            outbox = inbox;
            inbox = empty;
            return outbox.poll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether the end is reached: the queue is closed, and all events are taken. */
    boolean isOver() {
        if (!isClosed()) {
            return false; // a waiting reader may hold the lock of takers
        }
        takeLock.lock();
        lock.lock();
        try {
            return closed && inbox.isEmpty() && outbox.isEmpty() && overflow.isEmpty();
        } finally {
            lock.unlock();
            takeLock.unlock();
        }
    }

    /** Whether a thread waits for an event. */
    boolean isWaitedFor() {
        lock.lock();
        try {
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the queue accepts no more events. */
    boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the next event of that size would find no room. If so, reading is resumed once there is room. */
    boolean isFull(int size) {
        lock.lock();
        try {
            boolean isFull = !overflow.isEmpty() || !hasRoom(size, size);
            full |= isFull;
            return isFull;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the queue after the events that it holds. Called with the client's lock. */
    void close() {
        lock.lock();
        try {
            closed = true;
            arrived.signalAll();
            core.wakeLater(this);
        } finally {
            lock.unlock();
        }
    }

    /** Ends the queue, and drops the events that it holds. */
    void discard() {
        lock.lock();
        try {
            closed = true;
            arrived.signalAll(); // a waiting reader has the lock of takers
        } finally {
            lock.unlock();
        }
        takeLock.lock();
        lock.lock();
        try {
            outbox.forEach(this::taken);
            outbox.clear();
            inbox.forEach(this::taken);
            inbox.clear();
            overflow.clear();
            account();
        } finally {
            lock.unlock();
            takeLock.unlock();
        }
        wake();
    }
}
