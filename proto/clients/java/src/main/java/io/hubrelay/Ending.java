package io.hubrelay;

import io.hubrelay.Failure.Kind;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Reply;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The end of a connection: settles all that it owes, and reports the end to the application. With the client's lock.
 */
final class Ending {
    private final Core core;
    /** The kind of end that the last Status without a relay has reported; null if there is a relay, or was none yet. */
    private String told;

    Ending(Core core) {
        this.core = core;
    }

    /** Called once for each connection, when the client knows which bytes were written. */
    void settle(Connection k) {
        long now = core.now();
        boolean serving = k == core.current;
        if (serving) {
            core.current = null;
            core.problem = k.ended;
        }
        try {
            settlePublishes(k);
            settleRequests(k);
            settleSends(k);
            for (Entry e : List.copyOf(k.holds.keySet())) {
                k.holds.remove(e);
                e.holds--;
                core.names.prune(e);
            }
            goOnWithout(k, serving, now);
        } finally {
            core.announce();
            core.clock.kick();
        }
    }

    private void goOnWithout(Connection k, boolean serving, long now) {
        if (serving && core.next != null) {
            core.handover.finish(now, true); // the next relay is there already
        } else if (serving) {
            lostRelay(k.ended.getMessage(), now);
        } else if (k == core.next) {
            core.handover.backToCurrent(now);
        } else if (k == core.old) {
            core.old = null;
            core.waitUntil = Deadlines.NEVER;
            core.publishing.admitWaiting();
        } else if (k == core.attempt) {
            core.attempt = null;
        }
    }

    /** The outcome of a publish that was written is unknown. The relay discards one that was not written completely. */
    private void settlePublishes(Connection k) {
        for (Publication p : k.publications.values()) {
            boolean written = p.end <= k.output.written();
            core.publishing.fail(p, new Failure(written ? Kind.INTERRUPTED : Kind.NOT_CONNECTED, "publish",
                    k.ended.getMessage(), k.ended, Names.ofChannels()));
        }
        k.publications.clear();
    }

    /**
     * A Subscribe stays wanted, and the next connection asks for it. An Unsubscribe is done. They are settled in the
     * order in which they were sent: the last one decides.
     */
    private void settleRequests(Connection k) {
        List<Request> unanswered = new ArrayList<>(k.requests.values());
        unanswered.sort(Comparator.comparingLong(r -> r.id));
        for (Request r : unanswered) {
            Reply reply = new Reply();
            reply.outcome = switch (r.kind) {
                case SUBSCRIBE -> Protocol.OUTCOME_PENDING;
                case UNSUBSCRIBE -> Protocol.OUTCOME_OK;
                default -> Protocol.OUTCOME_INTERRUPTED;
            };
            core.replies.onReply(k, r, reply);
        }
    }

    /** Reports the publishes without Reply that may have been lost, and those that certainly were. */
    private void settleSends(Connection k) {
        int unwritten = k.output.unwrittenSends();
        long unknown = k.endedInOrder ? 0 : k.settler.unknown(unwritten);
        if (unwritten + unknown > 0) {
            core.inbound.tellLoss(Loss.local(unwritten, unknown, 0, Cause.NO_RELAY,
                    "the connection to the relay ended"));
        }
    }

    /** Notes that no connection serves any more, fails the publishes that wait, and reports it. */
    void lostRelay(String why, long now) {
        core.gaps.broken(now);
        core.gaps.degraded(false);
        if (core.closing) {
            core.publishing.failWaiting(Kind.CLOSED);
        }
        core.publishing.failWaiting(Kind.NOT_CONNECTED);
        tellNoRelay("ended", why);
    }

    /** Reports that there is no connection, once for each kind of reason. */
    void tellNoRelay(String kind, String why) {
        if (core.closing) {
            core.status = Status.noRelay(why); // only HubrelayClient.status still reports it
            return;
        }
        if (kind.equals(told) || told != null && kind.equals("absent")) {
            return;
        }
        told = kind;
        core.status = Status.noRelay(why);
        core.tell(core.status);
        core.journal.log(Level.WARNING, "no relay: " + why);
    }

    /** There is a relay: its end will be reported again. */
    void connected() {
        told = null;
    }
}
