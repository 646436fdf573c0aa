package io.hubrelay;

import io.hubrelay.Failure.Kind;
import io.hubrelay.wire.Utf8;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.UnixDomainSocketAddress;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The state that the parts of a client share: its connections, and the lock that guards nearly everything. Nobody holds
 * the lock during a system call that may wait, or during a call of the application's code. Writes and reports are noted
 * instead, and {@link #unlock} does them. A thread that takes the lock releases it in a {@code finally}.
 */
final class Core {
    final String path;
    final UnixDomainSocketAddress address;
    final String name;
    final byte[] nameBytes;
    final Options options;
    final ReentrantLock lock = new ReentrantLock();
    final SplittableRandom random = new SplittableRandom(new SecureRandom().nextLong());
    final Counters counters = new Counters();
    final Journal journal;
    /** Null if there are none. */
    final Hooks hooks;
    /** Bytes in all queues. A message that is in several queues counts once. */
    final AtomicLong queued = new AtomicLong();
    /** Threads of the client's own that {@link Closing} waits for. */
    final List<Thread> threads = new ArrayList<>();

    final NameTable names = new NameTable(this);
    final Requests requests = new Requests(this);
    final Replies replies = new Replies(this);
    final Publishing publishing = new Publishing(this);
    final Subscribing subscribing = new Subscribing(this);
    final Restoring restoring = new Restoring(this);
    final Handover handover = new Handover(this);
    final Inbound inbound = new Inbound(this);
    final Ending ending = new Ending(this);
    final Clock clock = new Clock(this);
    final GapTracker gaps;
    final EventStream events;

    /** The connection that serves requests; null if none does. */
    Connection current;
    /** The connection that has its Welcome while {@link #current} is stopping, and will soon take its place. */
    Connection next;
    /** The connection that the client has left, and still reads to its end. */
    Connection old;
    /** The connection that has no Welcome yet. */
    Connection attempt;
    /** The move from {@link #current} to {@link #next}. */
    Move move;
    /** Until then publishes wait for the end of {@link #old}; never if they do not wait. */
    long waitUntil = Deadlines.NEVER;
    /** The last Status that was reported. */
    Status status = Status.noRelay("not connected yet");
    /** The reason why there is no connection; null if no attempt has ended yet. */
    IOException problem;
    /** How many pushes of a message into a queue there were since the reader last released the lock for others. */
    int deliveries;
    /** The client accepts no more calls. */
    boolean closing;
    /** The client's threads have to end. */
    boolean stopped;

    private final long origin = System.nanoTime();
    private final Condition changed = lock.newCondition();
    private final Queue<Connection> toWrite = new ArrayDeque<>();
    private List<Completion> toComplete = new ArrayList<>();
    private List<EventQueue> toWake = new ArrayList<>();
    private boolean ended;

    Core(String path, String name, Options options) {
        this.path = path;
        this.name = name;
        this.options = options;
        address = UnixDomainSocketAddress.of(path);
        nameBytes = Utf8.encode(name);
        journal = new Journal(this, options.logger);
        hooks = options.hooks == null ? null : new SafeHooks(options.hooks, journal);
        gaps = new GapTracker(options.gapDelay, options.partialGap, random::nextDouble);
        events = new EventStream(this, true);
    }

    void start() {
        lock.lock();
        try {
            threads.add(new ClientThread(this, "supervisor", new Supervisor(this)));
            threads.add(new ClientThread(this, "clock", clock));
            threads.forEach(Thread::start);
        } catch (Throwable e) {
            closing = true; // a thread that has already started has to end
            stopped = true;
            throw e;
        } finally {
            unlock();
        }
    }

    /** Nanoseconds since the client was made. */
    long now() {
        return System.nanoTime() - origin;
    }

    /** The connection that takes requests, or null. One that has ended takes none, even if it is not settled yet. */
    Connection serving() {
        return current == null || current.ended != null ? null : current;
    }

    /** The connection whose Status counts: that of the last Welcome. */
    Connection newest() {
        return next == null ? current : next;
    }

    /** The connections that requests go to: none, one or two. */
    List<Connection> servingAndNext() {
        if (current == null) {
            return next == null ? List.of() : List.of(next);
        }
        return next == null ? List.of(current) : List.of(current, next);
    }

    /** The failure of a request when no connection serves. */
    Failure notConnected(String operation) {
        IOException why = whyNotConnected();
        return why == null ? Failure.of(Kind.NOT_CONNECTED, operation, "no attempt to connect to " + path
                + " has ended yet") : Failure.of(Kind.NOT_CONNECTED, operation, why);
    }

    /**
     * The error that ends a connection or an attempt after an unexpected failure: a fault of the client, or no memory.
     */
    static IOException failed(Throwable e) {
        return new IOException("the client has failed: " + e, e);
    }

    /** The reason why no connection serves; null if no attempt to make one has ended yet. */
    private IOException whyNotConnected() {
        return current != null && current.ended != null ? current.ended : problem;
    }

    /**
     * Throws in a thread that must not wait, because the wait could then not end: one of the client's own, or one that
     * reads for others and completes a future.
     */
    void checkMayBlock() {
        Connection k = current;
        if (isOwnThread() || k != null && k.turn.isHeldByCurrentThread()) {
            throw new IllegalStateException(
                    "a call that waits, in a thread that the client needs to end the wait: use the Async methods");
        }
    }

    boolean isOwnThread() {
        return Thread.currentThread() instanceof ClientThread thread && thread.core == this;
    }

    /** Gives the application an event of the whole client. */
    void tell(Event event) {
        if (!events.queue.push(event)) {
            counters.lostMessages(1);
        }
    }

    /** Gives a Gap to all listeners. */
    void tellGap(Gap gap) {
        counters.gaps++;
        events.queue.push(gap);
        names.subscriptions().forEach(s -> s.queue.push(gap));
    }

    /** Remembers that messages may have been missed, if anybody listens. */
    void noteGap(String reason) {
        if (names.isAnythingWanted()) {
            gaps.note(reason, now());
            clock.kick();
        }
    }

    /** There is room for events again. Called without the lock. */
    void resumeReading() {
        lock.lock();
        try {
            if (current != null) {
                current.reader.resume();
            }
        } finally {
            unlock();
        }
    }

    /** Notes that a connection has something to write. {@link #unlock} writes it. */
    void writeLater(Connection k) {
        toWrite.add(k);
    }

    /** Notes that the result of a call is known. {@link #unlock} completes the call. */
    void completeLater(Completion completion) {
        toComplete.add(completion);
    }

    /** Notes that a queue has events that a reader waits for. {@link #unlock} wakes the reader. */
    void wakeLater(EventQueue queue) {
        if (!queue.wakePlanned) {
            queue.wakePlanned = true;
            toWake.add(queue);
        }
    }

    /** Releases the lock, and does what was noted while it was held. Failures there are logged: it does not throw. */
    void unlock() {
        if (lock.getHoldCount() > 1) {
            lock.unlock();
            return;
        }
        List<Completion> completions = List.of();
        List<EventQueue> queues = List.of();
        Connection writes;
        boolean more;
        try {
            if (!toComplete.isEmpty()) {
                List<Completion> empty = new ArrayList<>();
                completions = toComplete;
                toComplete = empty;
            }
            if (!toWake.isEmpty()) {
                List<EventQueue> empty = new ArrayList<>();
                queues = toWake;
                toWake = empty;
                queues.forEach(queue -> queue.wakePlanned = false);
            }
            writes = isGathering() ? null : toWrite.poll();
            more = writes != null && !toWrite.isEmpty();
        } finally {
            lock.unlock();
        }
        if (writes != null) {
            writes.output.write();
        }
        for (EventQueue queue : queues) {
            try {
                queue.wake();
            } catch (Throwable e) {
                journal.log(Level.ERROR, "waking a reader of events has failed", e);
            }
        }
        if (!completions.isEmpty()) {
            complete(completions);
        }
        if (more) {
            writeAndTell();
        }
    }

    /**
     * Whether this thread is completing calls. What it publishes meanwhile is written after that, or once it is enough
     * for a write of its own.
     */
    private boolean isGathering() {
        Connection k = toWrite.peek();
        return k != null && Thread.currentThread() instanceof ClientThread thread && thread.completing
                && !k.output.isWorthWriting();
    }

    private void complete(List<Completion> completions) {
        if (Thread.currentThread() instanceof ClientThread thread && !thread.completing) {
            thread.completing = true;
            completeEach(completions);
            thread.completing = false;
            writeAndTell(); // what they have published
        } else {
            completeEach(completions);
        }
    }

    private void completeEach(List<Completion> completions) {
        for (Completion completion : completions) {
            try {
                completion.complete();
            } catch (Throwable e) {
                journal.log(Level.ERROR, "telling a result has failed", e);
            }
        }
    }

    /** Does what was noted under the lock. This thread does not hold the lock. */
    private void writeAndTell() {
        lock.lock();
        try {
            return;
        } finally {
            unlock();
        }
    }

    /** Releases the lock for a moment, so that what was noted is done. It does not throw. */
    void letOthers() {
        unlock();
        lock.lock();
    }

    /** Signals a change that the supervisor, ready or close may wait for. */
    void announce() {
        changed.signalAll();
    }

    /** Waits for {@link #announce}, but not longer than until a time. An interrupt ends the wait, and is forgotten. */
    void awaitChange(long until) {
        try {
            awaitChangeInterruptibly(until);
        } catch (InterruptedException e) {
            // Only code of the application that ran in this thread can have interrupted it. The caller checks again.
            return;
        }
    }

    void awaitChangeInterruptibly(long until) throws InterruptedException {
        changed.awaitNanos(until == Deadlines.NEVER ? until : Math.max(1, until - now()));
    }

    /** Ends all queues, once every connection has ended and reported everything. */
    void endQueues() {
        lock.lock();
        try {
            if (!ended) {
                ended = true;
                names.closeSubscriptions();
                events.queue.close();
            }
        } finally {
            unlock();
        }
    }
}
