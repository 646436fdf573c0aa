package io.hubrelay;

import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Reply;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What Replies to Subscribes, Unsubscribes and Pings mean. With the client's lock. */
final class Replies {
    private final Core core;

    Replies(Core core) {
        this.core = core;
    }

    /** A Reply. At the end of a connection it is called for those that have none, with what that means for them. */
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
     * The Reply to a plain request for a name. It counts if nothing was decided since but by requests on this
     * connection, whose Replies are still to come and count more.
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
     * A subscription that was pending is a Gap once it is in force. At the end of a connection the next one is the
     * reason, unless there is a next one already.
     */
    private void notePending(Connection k, Request r) {
        boolean here = k.ended == null && k == core.newest();
        boolean elsewhere = k.ended != null && r.operation != null && core.current != null && core.current != k;
        if (here || elsewhere) {
            core.noteGap(GapTracker.PENDING);
        }
    }

    /** Tells the calls that wait for a request. */
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
                // Somebody else's request failed, perhaps for another name: this call asks for itself.
                core.subscribing.askFor(follower, follower.entries.stream().filter(asked::contains).toList());
            }
            core.subscribing.finishIfDone(follower);
        }
    }
}
