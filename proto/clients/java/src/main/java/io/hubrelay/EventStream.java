package io.hubrelay;

import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * A bounded queue of events. Read it by {@link #take}, by {@link #poll}, by a {@code for} loop, or by a handler.
 *
 * <p>It holds 4 MiB, and all streams of a client together 64 MiB, unless the client was built with other bounds. Events
 * that find no room are dropped and counted, and a {@link Loss} at their place reports them. While there is no room,
 * only the newest {@link Status} and {@link Gap} are kept.
 *
 * <p>Threads may share it. Each event goes to one of them.
 */
public sealed class EventStream implements Iterable<Event> permits Subscription {
    final Core core;
    final EventQueue queue;
    private volatile Message delivered;

    EventStream(Core core, boolean tellsGap) {
        this.core = core;
        queue = new EventQueue(core, tellsGap);
    }

    /**
     * Waits for the next event.
     *
     * @return the event
     * @throws ClosedException at the end, when the client or the subscription is closed and all events are taken
     * @throws InterruptedException if the thread is interrupted; no event is taken then
     */
    public Event take() throws InterruptedException {
        Event event = nextUnlessInterrupted(Long.MAX_VALUE);
        if (event == null) {
            throw Failure.of(Failure.Kind.CLOSED, "take", "no more events").toException();
        }
        return event;
    }

    /**
     * Waits for the next event for a limited time.
     *
     * @param timeout how long to wait; zero or less means not at all
     * @return the event, or null if none has come
     * @throws ClosedException at the end, when the client or the subscription is closed and all events are taken
     * @throws InterruptedException if the thread is interrupted; no event is taken then
     */
    public Event poll(Duration timeout) throws InterruptedException {
        Event event = nextUnlessInterrupted(Math.max(0, Durations.toNanos(timeout)));
        if (event == null && queue.isOver()) {
            throw Failure.of(Failure.Kind.CLOSED, "poll", "no more events").toException();
        }
        return event;
    }

    /**
     * Iterates over the events as they come: {@code hasNext} waits. The iteration ends when the client or the
     * subscription is closed, or when the thread is interrupted. The thread then stays interrupted.
     *
     * @return an iterator for one thread
     */
    @Override
    public Iterator<Event> iterator() {
        return new Iterator<>() {
            private Event next;

            @Override
            public boolean hasNext() {
                if (next == null) {
                    try {
                        next = nextUnlessInterrupted(Long.MAX_VALUE);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
                return next != null;
            }

            @Override
            public Event next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Event event = next;
                next = null;
                return event;
            }
        };
    }

    /**
     * Calls a handler for each event from now on, in order, one at a time. An exception of the handler is logged, and
     * the next event follows. If the executor refuses a task, the client tries again later, so a pool may have bounds.
     *
     * @param executor runs the handler: one task handles all events that have come in the meantime
     * @param handler gets the events
     * @return completes at the end, when the client or the subscription is closed and all events are handled; fails
     *     with the executor's exception if it does not accept tasks any more
     * @throws IllegalStateException if there is a handler already
     */
    public CompletableFuture<Void> handle(Executor executor, Consumer<? super Event> handler) {
        HandlerLoop loop = new HandlerLoop(this, Objects.requireNonNull(executor), Objects.requireNonNull(handler));
        if (!queue.attach(loop)) {
            throw new IllegalStateException("the stream has a handler already");
        }
        loop.schedule();
        return loop.end();
    }

    private Event nextUnlessInterrupted(long nanos) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return next(nanos);
    }

    /** The next event, or null at the timeout or at the end. */
    final Event next(long nanos) throws InterruptedException {
        Hooks hooks = core.hooks;
        if (hooks == null) {
            return queue.take(nanos);
        }
        finishDelivery();
        Event event = queue.take(nanos);
        if (event instanceof Message message) {
            hooks.beforeDelivery(message);
            delivered = message;
        }
        return event;
    }

    /** The application is finished with the last message. */
    final void finishDelivery() {
        Message message = delivered;
        delivered = null;
        if (message != null) {
            core.hooks.afterDelivery(message);
        }
    }
}
