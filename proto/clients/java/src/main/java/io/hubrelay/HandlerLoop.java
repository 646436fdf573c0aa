package io.hubrelay;

import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Calls a handler for each event of a stream, in order. It does so in tasks of an executor, one task at a time. */
final class HandlerLoop {
    /** After that many events the task ends, so that others can use the executor's thread. */
    private static final int MANY = 256;
    /** The delay after which a task that the executor refused is submitted again. */
    private static final long AGAIN_MILLIS = 50;
    /** How often it is submitted again once the stream is closed. */
    private static final int LAST_ATTEMPTS = 20;

    private final EventStream stream;
    private final Executor executor;
    private final Consumer<? super Event> handler;
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    /** How often {@link #schedule} was called since there was last nothing to do. The task runs until it is 0 again. */
    private final AtomicInteger wanted = new AtomicInteger();
    private volatile Thread runner;
    private boolean again;

    HandlerLoop(EventStream stream, Executor executor, Consumer<? super Event> handler) {
        this.stream = stream;
        this.executor = executor;
        this.handler = handler;
    }

    CompletableFuture<Void> end() {
        return end;
    }

    /** There may be events. */
    void schedule() {
        if (wanted.getAndIncrement() == 0) {
            new Task().submit();
        }
    }

    /**
     * A task for the executor. If the executor refuses it, it is submitted again. It runs once, whatever the executor
     * does.
     */
    private final class Task implements Runnable {
        private final AtomicBoolean begun = new AtomicBoolean();
        private int refusals;
        private int refusalsAtEnd;

        void submit() {
            try {
                executor.execute(this);
            } catch (Throwable e) {
                if (!begun.get()) {
                    refused(e);
                }
            }
        }

        @Override
        public void run() {
            if (begun.compareAndSet(false, true)) {
                HandlerLoop.this.run();
            }
        }

        private void refused(Throwable why) {
            if (refusals++ == 0) {
                stream.core.journal.log(Level.WARNING, "an executor takes no task: events stay in their queue", why);
            }
            if (stream.queue.isClosed() && refusalsAtEnd++ == LAST_ATTEMPTS) {
                end.completeExceptionally(why);
                return;
            }
            try {
                CompletableFuture.delayedExecutor(AGAIN_MILLIS, TimeUnit.MILLISECONDS).execute(this::submit);
            } catch (Throwable e) {
                begun.set(true);
                wanted.set(0); // no thread can be started: the next event tries again
            }
        }
    }

    private void run() {
        if (runner == Thread.currentThread()) {
            again = true; // this executor runs its tasks in the thread that submits them
            return;
        }
        runner = Thread.currentThread();
        do {
            again = false;
            runOnce();
        } while (again);
        runner = null;
    }

    private void runOnce() {
        int seen = wanted.get();
        int handled = 0;
        while (handled < MANY && handleOne()) {
            handled++;
        }
        if (handled == MANY || wanted.addAndGet(-seen) > 0) {
            new Task().submit();
        }
    }

    /** Returns false if there is nothing to do for now. It does not throw. */
    private boolean handleOne() {
        try {
            Event event = stream.next(0);
            if (event != null) {
                handler.accept(event);
                return true;
            }
            if (stream.queue.isOver()) {
                stream.finishDelivery();
                end.complete(null);
            }
            return false;
        } catch (Throwable e) {
            stream.core.journal.log(Level.ERROR, "a handler of events has failed", e);
            return true;
        }
    }
}
