package io.hubrelay;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/** One publish that waits for room, or for its Reply. The client's lock guards its fields. */
final class Publication implements Completion {
    /** The request's id on the connection that it was sent on. */
    long id;
    /** The position where its frame ends in that connection's stream of bytes. */
    long end;
    /** The caller has given up: nobody waits for the result. */
    boolean abandoned;

    /** The thread that waits for the result, or null. */
    private final Thread waiter;
    /** The future that gets the result, or null. */
    private final CompletableFuture<Long> future;
    private long receivers;
    private Failure failure;
    private volatile boolean done;

    /** These are set while it waits for room, in a list. */
    byte[] channel;
    byte[] payload;
    boolean waiting;
    Publication next;
    Publication previous;

    private Publication(Thread waiter, CompletableFuture<Long> future) {
        this.waiter = waiter;
        this.future = future;
    }

    static Publication blocking() {
        return new Publication(Thread.currentThread(), null);
    }

    static Publication async() {
        return new Publication(null, new CompletableFuture<>());
    }

    CompletableFuture<Long> future() {
        return future;
    }

    /** Whether nobody waits for the result any more: the caller has given up, or has completed the future itself. */
    boolean isAbandoned() {
        return abandoned || future != null && future.isDone();
    }

    void succeed(long subscriptions) {
        receivers = subscriptions;
        done = true;
    }

    void fail(Failure why) {
        failure = why;
        done = true;
    }

    boolean isDone() {
        return done;
    }

    @Override
    public void complete() {
        if (future == null) {
            if (waiter != Thread.currentThread()) { // otherwise this thread has read its own Reply
                LockSupport.unpark(waiter);
            }
        } else if (failure == null) {
            future.complete(receivers);
        } else {
            future.completeExceptionally(failure.toException());
        }
    }

    /** The reason why it failed, or null. Called once it is done. */
    Failure failure() {
        return failure;
    }

    long receivers() {
        return receivers;
    }
}
