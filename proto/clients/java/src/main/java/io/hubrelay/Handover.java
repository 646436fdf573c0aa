package io.hubrelay;

import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame;
import io.hubrelay.wire.RelayFrame.StatusFields;
import io.hubrelay.wire.RelayFrame.Welcome;
import io.hubrelay.wire.Utf8;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.HexFormat;
import java.util.function.Consumer;

/**
 * Takes a new connection into use, and moves from a stopping relay to the next one. With the client's lock.
 *
 * <p>If both relays have fences, the client subscribes to a fence on both. It publishes there once, when everything is
 * in force on the new relay. One Redis sends its messages to all its subscribers in one order. So the messages that the
 * old relay brings before the fence, and those that the new one brings after it, are together all messages, each once.
 * Without a fence, the new relay's messages count from its last Reply on, and a Gap is reported.
 */
final class Handover {
    private static final int FENCE_RANDOM_BYTES = 12;
    private static final String LEFT = "left: the relay was stopping";

    private final Core core;
    private boolean everConnected;

    Handover(Core core) {
        this.core = core;
    }

    /** Handles a Welcome. Ends the connection if it cannot be used. */
    void welcomed(Connection k, Welcome w, long now) {
        if (w.status == null) {
            w.status = new StatusFields();
        }
        String useless = whyUseless(w);
        if (useless != null) {
            k.end(new IOException(useless));
            return;
        }
        k.welcomed(w, now);
        core.attempt = null;
        core.counters.connections++;
        if (core.current == null) {
            core.current = k;
            core.problem = null;
            core.noteGap(everConnected ? GapTracker.CONNECTION : GapTracker.PENDING);
        } else {
            core.next = k;
            core.move = new Move();
        }
        everConnected = true;
        core.ending.connected();
        core.journal.log(Level.INFO,
                "connected to relay " + w.relayId + " (" + w.relayVersion + ") at " + core.path);
        core.gaps.broken(now);
        core.restoring.restore(k);
        core.gaps.begin(k.receiving, core.inbound.barrier(k, k.receiving), now);
        core.gaps.grew(now);
        core.gaps.degraded(w.status.state == Status.STATE_DEGRADED);
        core.inbound.tellStatus(k, k.status);
        if (core.move != null) {
            askForFence(k);
            proceed();
        }
        core.announce();
        core.clock.kick();
    }

    private String whyUseless(Welcome w) {
        if (core.closing) {
            return "the client was closed";
        }
        if (w.status.state == Status.STATE_STOPPING || isLeaving(core.current, w) || isLeaving(core.old, w)) {
            return "the relay is stopping, and no successor";
        }
        if (w.version != Protocol.VERSION) {
            return "the relay answers in version " + w.version + " of the protocol, which this client does not speak";
        }
        return null;
    }

    private static boolean isLeaving(Connection k, Welcome w) {
        return k != null && k.stopping && k.welcome.relayId.equals(w.relayId);
    }

    /** Handles that a relay reports STOPPING. */
    void stopped(Connection k, long now) {
        k.stopping = true;
        k.stoppedAt = now;
        core.journal.log(Level.INFO, "the relay at " + core.path + " is stopping");
        if (k == core.next) {
            k.end(new IOException("the relay is stopping, and no successor"));
        } else if (k == core.current) {
            if (core.old != null) {
                core.old.end(new IOException(LEFT)); // only one drains at a time
            }
            core.announce();
        }
    }

    /** Subscribes to a fence on both relays, if both have fences and somebody listens. */
    private void askForFence(Connection k) {
        if (!core.names.isAnythingWanted() || !k.has(Protocol.FEATURE_FENCE)
                || !core.current.has(Protocol.FEATURE_FENCE)) {
            return;
        }
        Move move = core.move;
        byte[] random = new byte[FENCE_RANDOM_BYTES];
        core.random.nextBytes(random);
        move.fence = Protocol.FENCE_PREFIX + HexFormat.of().formatHex(random);
        move.fenceBytes = Utf8.encode(move.fence);
        askForFence(core.current, move, granted -> move.oldReady = granted);
        askForFence(k, move, granted -> move.newReady = granted);
    }

    private void askForFence(Connection k, Move move, Consumer<Boolean> ready) {
        core.requests.askForFence(k, Request.Kind.SUBSCRIBE, move.fenceBytes, reply -> {
            boolean granted = reply.outcome == Protocol.OUTCOME_OK;
            ready.accept(granted);
            move.refused |= !granted;
            if (core.move == move && k.ended == null) {
                proceed();
            }
        });
    }

    /** Goes on with a move as far as possible. */
    void proceed() {
        Move move = core.move;
        if (move == null || !isInForce(core.next)) {
            return;
        }
        long now = core.now();
        if (move.fence == null || move.refused) {
            finish(now, core.names.isAnythingWanted());
            return;
        }
        if (move.due == Deadlines.NEVER) {
            move.due = Deadlines.after(now, core.options.successor);
            core.clock.kick();
        }
        if (move.oldReady && move.newReady && !move.published) {
            move.published = true;
            publishFence(move);
        }
    }

    /** Whether everything that is wanted is in force on a connection. */
    private static boolean isInForce(Connection k) {
        return k.restoring == 0 && k.ended == null && k.holds.values().stream().noneMatch(hold -> hold.pending);
    }

    private void publishFence(Move move) {
        Connection k = core.next;
        Request r = new Request(Request.Kind.PING);
        r.onReply = reply -> {
            if (reply.outcome != Protocol.OUTCOME_OK && core.move == move && k.ended == null) {
                finish(core.now(), true);
            }
        };
        k.publishFence(r, move.fenceBytes);
    }

    /** The fence's message has come from one of the two relays. */
    void onFence(Connection k) {
        Move move = core.move;
        if (k == core.next) {
            move.newSeen = true;
        } else {
            move.oldSeen = true;
        }
        if (move.oldSeen && move.newSeen) {
            finish(core.now(), move.incomplete);
        }
    }

    /**
     * Handles a message of the new relay. Before the fence the old relay delivers it; after the fence it is kept here.
     */
    void keep(RelayFrame.Message m) {
        Move move = core.move;
        if (!move.newSeen) {
            return;
        }
        Move.Held held = new Move.Held(m.channel, m.pattern, m.payload());
        move.held.add(held);
        move.heldBytes += EventSize.BASE + held.payload().length + held.channel().length() + held.pattern().length();
        if (move.heldBytes > core.options.queue) {
            finish(core.now(), true);
        }
    }

    /** Makes the next relay the one that serves. The client leaves the former one, unless that has ended. */
    void finish(long now, boolean gap) {
        Move move = core.move;
        Connection former = core.current;
        core.current = core.next;
        core.next = null;
        core.move = null;
        move.held.forEach(m -> core.inbound.deliver(m.channel(), m.pattern(), m.payload()));
        if (move.fence != null) {
            core.requests.askForFence(core.current, Request.Kind.UNSUBSCRIBE, move.fenceBytes, null);
        }
        if (former != null && former.ended == null) {
            leave(former, now);
            core.waitUntil = Deadlines.after(now, core.options.successor);
        }
        if (gap) {
            core.noteGap(GapTracker.MOVE);
        }
        core.publishing.admitWaiting();
        core.clock.kick();
        core.journal.log(Level.INFO, "moved to relay " + core.current.welcome.relayId);
    }

    /**
     * Shuts the writing side of a connection, which is then read to its end: all outstanding answers come before that.
     */
    private void leave(Connection k, long now) {
        if (core.old != null) {
            core.old.end(new IOException(LEFT));
        }
        core.requests.askSettled(k);
        k.left = true;
        k.drainDue = Deadlines.after(now, core.options.drain);
        core.old = k;
        k.output.shutAfterOutput();
    }

    /**
     * Leaves a stopping relay without a next one: a restart that stops the relay first must not wait for its clients.
     */
    void leaveAlone(long now) {
        Connection k = core.current;
        core.current = null;
        core.problem = new IOException(LEFT);
        leave(k, now);
        core.ending.lostRelay(LEFT, now);
        core.announce();
    }

    /**
     * The next relay has ended before it served. The stopping one continues to serve, and the client looks for another
     * one.
     */
    void backToCurrent(long now) {
        Move move = core.move;
        Connection k = core.current;
        core.next = null;
        core.move = null;
        if (k == null || k.ended != null) {
            return;
        }
        k.stoppedAt = now;
        if (move.fence != null) {
            core.requests.askForFence(k, Request.Kind.UNSUBSCRIBE, move.fenceBytes, null);
        }
        core.gaps.broken(now);
        core.gaps.begin(k.receiving, core.inbound.barrier(k, k.receiving), now);
        if (core.status != k.status && k.restoring == 0) {
            core.inbound.tellStatus(k, k.status); // it counts again
        }
        if (move.oldSeen) {
            core.noteGap(GapTracker.MOVE); // the relay that has ended had to deliver what came after the fence
        }
    }
}
