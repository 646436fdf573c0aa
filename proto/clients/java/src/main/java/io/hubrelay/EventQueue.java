package io.hubrelay;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A bounded list of events. What it cannot take is dropped, counted, and told as a Loss in its place; of Status and Gap
 * the newest are kept.
 *
 * <p>It has two ends with a lock each, so that who puts in and who takes out seldom meet: events are put into the
 * inbox, and moved to the outbox all at once when that is empty.
 */
final class EventQueue {
    /** What a queue takes for an event that another one holds as well, in bytes. */
    private static final int REFERENCE_BYTES = 16;
    private static final int LARGE = 1024;
    /** What is taken is accounted for when the outbox is empty, or so many times for a full queue. */
    private static final int ACCOUNTS = 8;

    private final Core core;
    private final int limit;
    /** A Gap follows a Loss of its own. Without, the Loss is a Gap itself. */
    private final boolean tellsGap;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private ArrayDeque<Event> inbox = new ArrayDeque<>();
    /** Of both lists, and of what was taken since {@link #account}. */
    private long bytes;
    private final Overflow overflow = new Overflow();
    private boolean waiting;
    private boolean closed;
    private HandlerLoop handler;
    /** Whether it is in the list of those that are woken later. Guarded by the client's lock. */
    boolean wakePlanned;
    /** Something found no room: {@link Core#resumeReading} is to be called when half of it is taken. */
    private boolean full;

    private final ReentrantLock takeLock = new ReentrantLock();
    private ArrayDeque<Event> outbox = new ArrayDeque<>();
    /** The size of the outbox when it was filled: a large list is not kept after a burst. */
    private int peak;
    /** What was taken and is not accounted for yet, in bytes: of this queue, and of all queues. */
    private long takenHere;
    private long takenOfAll;

    EventQueue(Core core, boolean tellsGap) {
        this.core = core;
        this.limit = core.options.queue;
        this.tellsGap = tellsGap;
    }

    /**
     * Adds an event. Called with the client's lock, which then wakes who waits when it is released.
     *
     * @return false when it was a message that found no room
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

    /** An empty queue takes any one event. The second number is what all queues would hold more. */
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

    /** An event was taken. With the lock of takers. */
    private void taken(Event event) {
        int size = EventSize.of(event);
        boolean shared = event instanceof Message m && Message.QUEUES.decrementAndGet(m) > 0;
        takenHere += size;
        takenOfAll += REFERENCE_BYTES + (shared ? 0 : size);
    }

    /** Accounts for what was taken: not for each event, since the other end has to wait for that. With both locks. */
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

    /** Wakes who waits. Called without the client's lock. */
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

    /** Has a handler called from now on. False if there is one already. */
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
     * @param nanos how long to wait for it; 0: not at all, and whether the thread is interrupted does not matter
     * @return null at the timeout, or at the end: {@link #isOver} tells
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

    /** Whether the queue was full, and has room now. */
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

    /** Moves all that is there to the outbox, and takes the first event of it. */
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

    /** Whether the end is reached: it is closed, and all is taken. */
    boolean isOver() {
        if (!isClosed()) {
            return false; // somebody may wait with the lock of takers
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

    /** Whether nothing is added any more. */
    boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the next event of so many bytes would find no room; then reading is resumed once there is. */
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

    /** Ends the queue behind what it holds. Called with the client's lock. */
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

    /** Ends the queue, and forgets what it holds. */
    void discard() {
        lock.lock();
        try {
            closed = true;
            arrived.signalAll(); // who waits has the lock of takers
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
