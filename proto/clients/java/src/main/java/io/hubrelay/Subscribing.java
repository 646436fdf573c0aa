package io.hubrelay;

import io.hubrelay.Failure.Kind;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.Utf8;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** The application's calls listen, subscribe and unsubscribe. */
final class Subscribing {
    private final Core core;

    Subscribing(Core core) {
        this.core = core;
    }

    /** Begins a Subscription. The future is completed with it, or with the failure. */
    CompletableFuture<Subscription> listenAsync(Names names) {
        Subscription s = new Subscription(core, Objects.requireNonNull(names));
        Operation operation;
        core.lock.lock();
        try {
            Failure failure = check("listen", names);
            if (failure != null) {
                return CompletableFuture.failedFuture(failure.toException());
            }
            core.names.attach(s, core.names.entriesOf(names));
            operation = new Operation("listen", s.entries, s);
            askFor(operation, s.entries);
            finishIfDone(operation);
        } finally {
            core.unlock();
        }
        CompletableFuture<Subscription> result = operation.result.thenApply(s::confirmed);
        result.whenComplete((subscription, failure) -> {
            if (failure != null) {
                s.close(); // also if the caller has given up
            }
        });
        return result;
    }

    CompletableFuture<Boolean> plainAsync(String name, Request.Kind kind, Names names) {
        Objects.requireNonNull(names);
        core.lock.lock();
        try {
            Failure failure = check(name, names);
            if (failure != null) {
                return CompletableFuture.failedFuture(failure.toException());
            }
            Operation operation = new Operation(name, core.names.entriesOf(names), null);
            askPlain(operation, kind);
            finishIfDone(operation);
            return operation.result;
        } finally {
            core.unlock();
        }
    }

    /**
     * Waits for a future, in a thread that may block. An exception gets the stack of this thread. An interrupt gives up
     * the call.
     */
    <T> T await(CompletableFuture<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (InterruptedException e) {
            if (future.cancel(false)) {
                throw e;
            }
            Thread.currentThread().interrupt();
            return future.join(); // it was completed at the same moment: otherwise nobody would close the Subscription
        } catch (ExecutionException e) {
            if (e.getCause() instanceof HubrelayException failure) {
                failure.setStackTrace(Thread.currentThread().getStackTrace());
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    private Failure check(String operation, Names names) {
        if (names.channels().isEmpty() && names.patterns().isEmpty()) {
            return Failure.of(Kind.INVALID, operation, "no names");
        }
        for (List<String> list : List.of(names.channels(), names.patterns())) {
            for (String name : list) {
                Failure failure = Publishing.checkName(operation, name, Utf8.encode(name));
                if (failure != null) {
                    return failure;
                }
            }
        }
        if (core.closing) {
            return Failure.of(Kind.CLOSED, operation, "the client is closed");
        }
        Connection k = core.serving();
        if (!names.patterns().isEmpty() && k != null && !k.has(Protocol.FEATURE_PATTERNS)) {
            return Failure.of(Kind.INVALID, operation, "the relay at " + core.path + " has no patterns");
        }
        return null;
    }

    /**
     * Sends a plain request. During a move both relays get it, and the old one's Reply counts. The relay does not get
     * an unsubscribe from a name that a Subscription still listens to.
     */
    private void askPlain(Operation operation, Request.Kind kind) {
        Connection k = core.serving();
        boolean subscribe = kind == Request.Kind.SUBSCRIBE;
        List<Entry> forRelays = new ArrayList<>();
        for (Entry e : operation.entries) {
            if (!subscribe && !e.listeners.isEmpty()) {
                e.decide(false);
                continue;
            }
            if (k == null) {
                e.decide(subscribe);
                operation.pending = subscribe;
            }
            forRelays.add(e);
        }
        if (k != null) {
            Request like = new Request(kind);
            like.operation = operation;
            like.plain = true;
            core.requests.ask(k, like, forRelays);
        }
        askNext(kind, forRelays);
        if (k == null && !subscribe) {
            operation.entries.forEach(core.names::prune);
        }
    }

    /**
     * Sends the next relay, during a move, the request that the serving one got. If the serving one has ended, the Gap
     * at the end of the move waits for the Reply.
     */
    private void askNext(Request.Kind kind, List<Entry> entries) {
        Connection k = core.next;
        if (k == null) {
            return;
        }
        boolean subscribe = kind == Request.Kind.SUBSCRIBE;
        Request like = new Request(kind);
        like.barrier = subscribe && core.serving() == null;
        core.requests.askCounted(k, like, entries.stream().filter(e -> k.willHold(e) != subscribe).toList());
    }

    /**
     * Sends a listen's request for those names that the relay does not hold yet, and waits for those that other calls
     * have just asked for. Without a relay the names are pending.
     */
    void askFor(Operation operation, List<Entry> entries) {
        Connection k = core.serving();
        if (k == null) {
            operation.pending = true;
            askNext(Request.Kind.SUBSCRIBE, entries);
            return;
        }
        List<Entry> missing = new ArrayList<>();
        for (Entry e : entries) {
            Entry.Hold hold = k.holds.get(e);
            if (hold == null || !hold.willHold()) {
                missing.add(e);
            } else if (hold.last != null) {
                List<Operation> followers = hold.last.followers;
                if (followers.isEmpty() || followers.get(followers.size() - 1) != operation) {
                    followers.add(operation);
                    operation.left++;
                }
            } else if (hold.pending || !k.receiving) {
                operation.pending = true; // as the relay would answer
            }
        }
        Request like = new Request(Request.Kind.SUBSCRIBE);
        like.operation = operation;
        core.requests.ask(k, like, missing);
        k.reader.resume();
        askNext(Request.Kind.SUBSCRIBE, entries);
    }

    /** Completes a call that does not wait for anything any more. */
    void finishIfDone(Operation operation) {
        if (operation.left > 0 || operation.finished) {
            return;
        }
        operation.finished = true;
        if (operation.failure != null) {
            if (operation.subscription != null) {
                core.names.detach(operation.subscription);
            }
            // A request of several frames takes effect completely or not at all.
            operation.granted.forEach(e -> e.plain = false);
            core.names.release(operation.granted);
        }
        core.completeLater(operation);
    }
}
