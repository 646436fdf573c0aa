package io.hubrelay;

import io.hubrelay.Failure.Kind;
import io.hubrelay.wire.ClientEncoder;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Reply;
import io.hubrelay.wire.Utf8;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/** All publishes: those that wait for their Reply, those that wait for room, and those without Reply. */
final class Publishing {
    private final Core core;
    private final WaitingList waiting = new WaitingList();

    Publishing(Core core) {
        this.core = core;
    }

    int waiting() {
        return waiting.size();
    }

    /** Publishes, and waits for the Reply. If {@code mayWait}, it also waits for room. */
    long publish(String channel, byte[] payload, boolean mayWait) throws InterruptedException {
        core.checkMayBlock();
        if (Thread.interrupted()) {
            throw new InterruptedException("publish: interrupted, and nothing was sent");
        }
        byte[] name = Utf8.encode(channel);
        Publication p = Publication.blocking();
        Connection reads = null;
        Failure failure = checkName("publish", channel, name);
        if (failure == null) {
            core.lock.lock();
            try {
                Connection k = core.serving();
                boolean hasTurn = k != null && k.turn.take();
                try {
                    failure = start(p, "publish", name, payload, mayWait, false);
                    reads = hasTurn && failure == null && !p.waiting ? k : null;
                } finally {
                    if (hasTurn && reads == null) {
                        k.turn.giveBack();
                    }
                }
            } finally {
                core.unlock();
            }
        }
        if (failure != null) {
            core.counters.failed(failure.kind());
            throw failure.toException();
        }
        if (reads != null) {
            readFor(p, reads);
        }
        await(p);
        if (p.failure() != null) {
            core.counters.failed(p.failure().kind());
            throw p.failure().toException();
        }
        return p.receivers();
    }

    /** Reads, in a thread that has the connection's turn, until a publish has its Reply. */
    private void readFor(Publication p, Connection k) {
        try {
            while (!p.isDone() && !Thread.currentThread().isInterrupted() && k.reader.readOnce()) {
                continue;
            }
        } finally {
            k.turn.pass();
        }
    }

    private void await(Publication p) throws InterruptedException {
        while (!p.isDone()) {
            LockSupport.park(p);
            if (Thread.currentThread().isInterrupted() && abandon(p)) {
                Thread.interrupted();
                core.counters.failed(Kind.INTERRUPTED);
                throw new InterruptedException("publish: interrupted; whether the message is delivered is unknown");
            }
        }
    }

    /** The caller gives up. Returns false if the result came first. */
    private boolean abandon(Publication p) {
        core.lock.lock();
        try {
            if (p.isDone()) {
                return false;
            }
            p.abandoned = true;
            if (p.waiting) {
                waiting.remove(p);
            }
            return true;
        } finally {
            core.unlock();
        }
    }

    /** Publishes. The future gets the result. */
    CompletableFuture<Long> publishAsync(String channel, byte[] payload, boolean mayWait) {
        byte[] name = Utf8.encode(channel);
        Publication p = Publication.async();
        Failure failure = checkName("publish", channel, name);
        if (failure == null) {
            core.lock.lock();
            try {
                failure = start(p, "publish", name, payload, mayWait, true);
            } finally {
                core.unlock();
            }
        }
        if (failure != null) {
            core.counters.failed(failure.kind());
            return CompletableFuture.failedFuture(failure.toException());
        }
        return p.future();
    }

    /** Sends, or adds to the list of publishes that wait for room. Returns the reason why it did neither, or null. */
    private Failure start(Publication p, String operation, byte[] name, byte[] payload, boolean mayWait,
            boolean isAsync) {
        Failure failure = check(operation, name, payload);
        if (failure != null) {
            return failure;
        }
        if (waiting.isEmpty() && hasRoom(name, payload, core.options.unsent)) {
            core.current.publish(p, name, payload);
        } else if (mayWait && (!isAsync || mayWaitAsync(payload))) {
            waiting.add(p, name, isAsync ? payload.clone() : payload);
        } else {
            return congested(operation);
        }
        return null;
    }

    /**
     * Whether a future may wait: those have the same limits as publishes in flight. Blocked threads limit themselves.
     */
    private boolean mayWaitAsync(byte[] payload) {
        if (!hasRoomToWait(payload)) {
            waiting.removeAbandoned();
        }
        return hasRoomToWait(payload);
    }

    private boolean hasRoomToWait(byte[] payload) {
        return waiting.size() < core.options.inFlight
                && (waiting.isEmpty() || waiting.bytes() + payload.length <= core.options.unsent);
    }

    /** Publishes without Reply. */
    void send(String channel, byte[] payload) {
        byte[] name = Utf8.encode(channel);
        Failure failure = checkName("send", channel, name);
        if (failure == null) {
            core.lock.lock();
            try {
                failure = startSend(name, payload);
            } finally {
                core.unlock();
            }
        }
        if (failure != null) {
            core.counters.failed(failure.kind());
            throw failure.toException();
        }
    }

    /** Sends, or returns the reason why not. */
    private Failure startSend(byte[] name, byte[] payload) {
        Failure failure = check("send", name, payload);
        if (failure == null && (!waiting.isEmpty() || !hasRoom(name, payload, core.options.unsentSend))) {
            failure = congested("send");
        }
        if (failure == null) {
            core.current.send(name, payload);
        }
        return failure;
    }

    /** Handles the Reply to a publish, which is not outstanding any more. */
    void onReply(Connection k, Publication p, Reply reply) {
        if (reply.outcome == Protocol.OUTCOME_OK) {
            p.succeed(reply.receivers);
            core.completeLater(p);
        } else {
            fail(p, Failure.of("publish", reply));
        }
        if (!waiting.isEmpty()) {
            admitWaiting();
        }
    }

    /** Fails a publish. A blocking caller counts the failure itself; a future's failure is counted here. */
    void fail(Publication p, Failure why) {
        if (p.future() != null) {
            core.counters.failed(why.kind());
        }
        p.fail(why);
        core.completeLater(p);
    }

    /** Sends the publishes that have room now. */
    void admitWaiting() {
        for (Publication p = waiting.first(); p != null && core.serving() != null; p = waiting.first()) {
            if (p.isAbandoned()) {
                waiting.remove(p);
                continue;
            }
            Failure failure = check("publish", p.channel, p.payload);
            if (failure != null) {
                waiting.remove(p);
                fail(p, failure); // the relay that it would now go to has lower limits
                continue;
            }
            if (!hasRoom(p.channel, p.payload, core.options.unsent)) {
                return;
            }
            core.current.publish(p, p.channel, p.payload);
            waiting.remove(p);
            p.channel = null;
            p.payload = null;
        }
    }

    /** Fails all publishes that wait for room: none of them was sent. */
    void failWaiting(Kind kind) {
        for (Publication p = waiting.first(); p != null; p = waiting.first()) {
            waiting.remove(p);
            fail(p, kind == Kind.NOT_CONNECTED ? core.notConnected("publish")
                    : Failure.of(kind, "publish", "nothing was sent"));
        }
    }

    private static Failure congested(String operation) {
        return Failure.of(Kind.CONGESTED, operation, "nothing was sent: too much is under way already");
    }

    /** Returns the reason why a publish cannot be sent, apart from congestion, or null. */
    private Failure check(String operation, byte[] name, byte[] payload) {
        if (core.closing) {
            return Failure.of(Kind.CLOSED, operation, "the client is closed");
        }
        Connection k = core.serving();
        if (k == null) {
            return core.notConnected(operation);
        }
        if (payload.length > k.welcome.maxPayloadBytes) {
            return Failure.of(Kind.INVALID, operation, "the payload has " + payload.length + " bytes, and "
                    + k.welcome.maxPayloadBytes + " are the most");
        }
        if (ClientEncoder.publishBytes(name, payload.length) > k.maxFrame) {
            return Failure.of(Kind.INVALID, operation, "the frame would be larger than " + k.maxFrame + " bytes");
        }
        return null;
    }

    /** Whether a publish may be sent now. An empty connection takes any publish. */
    private boolean hasRoom(byte[] name, byte[] payload, int unsent) {
        Connection k = core.current;
        if (core.waitUntil != Deadlines.NEVER || k.publications.size() >= core.options.inFlight) {
            return false;
        }
        long unwritten = k.output.unwritten();
        return unwritten == 0 || unwritten + ClientEncoder.publishBytes(name, payload.length) <= unsent;
    }

    /** Checks a channel or pattern; the bytes are null if UTF-8 cannot encode it. Returns what is wrong, or null. */
    static Failure checkName(String operation, String name, byte[] bytes) {
        if (bytes != null && bytes.length > 0 && bytes.length <= Protocol.MAX_NAME_BYTES) {
            return null;
        }
        String beginning = name.length() > 100 ? name.substring(0, 100) + "..." : name;
        return Failure.of(Kind.INVALID, operation, "a name has 1 to " + Protocol.MAX_NAME_BYTES
                + " bytes in UTF-8, and no surrogate without its partner: \"" + beginning + '"');
    }
}
