package io.hubrelay;

import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Reply;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Handles the Replies to Subscribes, Unsubscribes and Pings. With the client's lock. */
final class Replies {
    private final Core core;

    Replies(Core core) {
        this.core = core;
    }

    /**
     * Handles a Reply. At the end of a connection, requests without Reply get one that says what the end means for
     * them.
     */
    void onReply(Connection k, Request r, Reply reply) {
        k.takeRequest(r);
        if (r.isNamesRequest()) {
            onNamesReply(k, r, reply);
        }
        if (r.onReply != null) {
            r.onReply.accept(reply);
        }
        k.requestDone();
    }

    private void onNamesReply(Connection k, Request r, Reply reply) {
        boolean subscribe = r.kind == Request.Kind.SUBSCRIBE;
        boolean pending = subscribe && reply.outcome == Protocol.OUTCOME_PENDING;
        boolean granted = pending || reply.outcome == Protocol.OUTCOME_OK;
        for (Entry e : r.entries) {
            k.holdOf(e).answered(r, granted, pending);
            if (r.plain) {
                plainAnswered(k, e, r, granted);
            }
        }
        if (pending) {
            notePending(k, r);
        }
        if (granted && !r.rest.isEmpty()) {
            core.requests.askCounted(k, r.again(), r.wantedRest());
        } else if (!granted && subscribe && r.operation == null) {
            core.restoring.askAgain(k, r, reply);
        }
        finishOperations(r, reply, granted, pending);
        if (r.barrier && k == core.newest()) {
            core.gaps.answered(core.now());
            core.clock.kick();
        }
        r.entries.forEach(k::forget);
        if (!granted) {
            core.names.release(r.entries);
        }
        if (r.restore && --k.restoring == 0 && k.ended == null) {
            core.restoring.restored(k);
        }
    }

    /**
     * Handles the Reply to a plain request for a name. It does not count if the name was decided since then without a
     * request on this connection. Later requests on this connection do not matter: their Replies still come, and
     * override it.
     */
    private static void plainAnswered(Connection k, Entry e, Request r, boolean granted) {
        boolean counts = e.asked != null && (e.asked == r || k.requests.get(e.asked.id) == e.asked);
        if (e.asked == r) {
            e.asked = null;
        }
        if (!granted || !counts) {
            return;
        }
        boolean subscribe = r.kind == Request.Kind.SUBSCRIBE;
        if (r.operation != null && subscribe && !e.plain) {
            r.operation.granted.add(e);
        }
        e.plain = subscribe;
    }

    /**
     * Notes a Gap for a subscription that was pending, for when it is in force. If the connection ends first, the next
     * connection is the reason of the Gap, unless there is a next one already.
     */
    private void notePending(Connection k, Request r) {
        boolean here = k.ended == null && k == core.newest();
        boolean elsewhere = k.ended != null && r.operation != null && core.current != null && core.current != k;
        if (here || elsewhere) {
            core.noteGap(GapTracker.PENDING);
        }
    }

    /** Notifies the calls that wait for a request. */
    private void finishOperations(Request r, Reply reply, boolean granted, boolean pending) {
        Operation operation = r.operation;
        if (operation != null) {
            operation.left--;
            operation.pending |= pending;
            if (!granted && operation.failure == null) {
                operation.failure = Failure.of(operation.name, reply);
            }
            core.subscribing.finishIfDone(operation);
        }
        Set<Entry> asked = granted || r.followers.isEmpty() ? Set.of() : new HashSet<>(r.entries);
        for (Operation follower : List.copyOf(r.followers)) {
            follower.left--;
            follower.pending |= pending;
            if (!granted && !follower.subscription.entries.isEmpty()) {
                // The request of another call failed, perhaps because of another name: this call sends its own request.
                core.subscribing.askFor(follower, follower.entries.stream().filter(asked::contains).toList());
            }
            core.subscribing.finishIfDone(follower);
        }
    }
}
