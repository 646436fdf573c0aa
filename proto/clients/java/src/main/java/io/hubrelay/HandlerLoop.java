package io.hubrelay;

import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Calls a handler for each event of a stream, in order, in tasks of an executor of which one runs at a time. */
final class HandlerLoop implements Runnable {
    /** After so many events the executor's thread is given to others. */
    private static final int MANY = 256;

    private final EventStream stream;
    private final Executor executor;
    private final Consumer<? super Event> handler;
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    /** How often {@link #schedule} was called since there was nothing to do: the task runs until it is 0 again. */
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
            submit();
        }
    }

    private void submit() {
        try {
            executor.execute(this);
        } catch (RejectedExecutionException e) {
            stream.core.journal.log(Level.WARNING, "an executor takes no more tasks: events stay in their queue", e);
            wanted.set(0);
        }
    }

    @Override
    public void run() {
        if (runner == Thread.currentThread()) {
            again = true; // the executor runs its tasks in the thread that submits them
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
            submit();
        }
    }

    /** Returns false when there is nothing to do for now. */
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
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (RuntimeException e) {
            stream.core.journal.log(Level.ERROR, "a handler of events, or a hook, has failed", e);
            return true;
        }
    }
}
