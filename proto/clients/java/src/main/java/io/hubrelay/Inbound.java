package io.hubrelay;

import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame;
import io.hubrelay.wire.RelayFrame.LossFields;
import io.hubrelay.wire.RelayFrame.RevokedFields;
import io.hubrelay.wire.RelayFrame.StatusFields;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Handles all frames of a relay except Replies to publishes. With the client's lock. */
final class Inbound {
    private static final int MAX_HELD_BACK = 16;

    private final Core core;

    Inbound(Core core) {
        this.core = core;
    }

    void handle(Connection k, RelayFrame frame) {
        if (k.welcome == null && frame.kind != RelayFrame.WELCOME && frame.kind != RelayFrame.ERROR) {
            if (frame.kind != RelayFrame.NONE) {
                k.end(new IOException("what answers says no Welcome: it does not speak hubrelay's protocol"));
            }
            return;
        }
        switch (frame.kind) {
            case RelayFrame.MESSAGE -> onMessage(k, frame.message);
            case RelayFrame.REPLY -> {
                Request request = k.requests.get(frame.reply.id);
                if (request != null) {
                    core.replies.onReply(k, request, frame.reply);
                }
            }
            case RelayFrame.STATUS -> onStatus(k, frame.status);
            case RelayFrame.LOSS -> onLoss(k, frame.loss);
            case RelayFrame.REVOKED -> onRevoked(k, frame.revoked);
            case RelayFrame.ERROR -> {
                k.lastWords = "the relay says error " + frame.error.code + ": " + frame.error.detail;
                k.hopeless = frame.error.code == Protocol.CODE_VERSION
                        || frame.error.code == Protocol.CODE_NOT_ALLOWED;
            }
            case RelayFrame.WELCOME -> {
                if (k.welcome == null) {
                    core.handover.welcomed(k, frame.welcome, core.now());
                }
            }
            default -> { }
        }
    }

    /** Delivers a message, unless the other relay of a move delivers it. */
    private void onMessage(Connection k, RelayFrame.Message m) {
        core.counters.received++;
        if (core.closing) {
            return; // the application takes no more messages; close only waits for outstanding answers
        }
        Move move = core.move;
        if (move != null && (k == core.current || k == core.next)) {
            if (m.channel.equals(move.fence)) {
                core.handover.onFence(k);
                return;
            }
            if (k == core.next) {
                core.handover.keep(m);
                return;
            }
            if (move.oldSeen) {
                return; // after the old relay's fence: the new relay delivers it
            }
        }
        if (k == core.current) {
            deliver(m.channel, m.pattern, m.payload());
        }
    }

    /** Gives a message to all listeners. */
    void deliver(String channel, String pattern, byte[] payload) {
        Entry e = pattern.isEmpty() ? core.names.channel(channel) : core.names.pattern(pattern);
        if (e == null) {
            return; // the client has just unsubscribed
        }
        Message message = pattern.isEmpty() ? new Message(e.text, payload, "") : new Message(channel, payload, e.text);
        int listeners = e.listeners.size();
        core.deliveries += listeners;
        for (int i = 0; i < listeners; i++) {
            if (!e.listeners.get(i).subscription().queue.push(message)) {
                core.counters.lostMessages(1);
            }
        }
        if (e.plain) {
            core.tell(message);
        }
    }

    /** Handles a change of state. The state of a relay that the client has left does not matter any more. */
    private void onStatus(Connection k, StatusFields s) {
        if (k.left) {
            return;
        }
        long now = core.now();
        boolean stops = s.state == Status.STATE_STOPPING && !k.stopping;
        if (stops && k == core.next) {
            core.handover.stopped(k, now); // it cannot be the successor, so its Status does not matter
            return;
        }
        boolean grown = s.gaps > k.gaps;
        k.status = Status.of(s);
        k.gaps = s.gaps;
        if (s.receiving && !k.receiving) {
            k.holds.values().forEach(hold -> hold.pending = false); // what was pending is in force
        }
        k.receiving = s.receiving;
        if (grown) {
            core.noteGap(GapTracker.GAPS);
        }
        if (k == core.newest()) {
            core.gaps.begin(s.receiving, barrier(k, s.receiving), now);
            if (grown) {
                core.gaps.grew(now);
            }
            core.gaps.degraded(s.state == Status.STATE_DEGRADED);
            tellStatus(k, k.status);
        }
        if (stops) {
            core.handover.stopped(k, now);
        }
        core.handover.proceed();
        core.clock.kick();
    }

    /** Marks and counts the Subscribes without Reply, for which a Gap has to wait. */
    int barrier(Connection k, boolean receiving) {
        if (!receiving || core.gaps.isReceiving()) {
            return core.gaps.barrier();
        }
        int count = 0;
        for (Request r : k.requests.values()) {
            if (r.kind == Request.Kind.SUBSCRIBE && r.onReply == null) {
                r.barrier = true;
                count++;
            }
        }
        return count;
    }

    /** Reports a state of the newest connection to the application, once its subscriptions are restored. */
    void tellStatus(Connection k, Status status) {
        if (k.restoring > 0) {
            if (k.heldBack.size() == MAX_HELD_BACK) {
                k.heldBack.removeFirst();
            }
            k.heldBack.add(status);
            return;
        }
        core.status = status;
        core.tell(status);
    }

    private void onLoss(Connection k, LossFields l) {
        k.settler.loss(Counts.plus(l.publishes, l.publishesUnknown));
        long messages = l.messages;
        boolean elsewhere = core.move != null && core.move.oldSeen && k == core.current;
        if (k.left || k == core.next || elsewhere) {
            if (k == core.next && messages > 0 && core.move != null) {
                core.move.incomplete = true;
            }
            messages = 0; // the messages of this connection do not count, or not yet
        }
        if (l.publishes > 0 || l.publishesUnknown > 0 || messages > 0) {
            tellLoss(new Loss(l.publishes, l.publishesUnknown, messages, Cause.of(l.cause), l.cause, l.reason, false));
        }
    }

    /** Reports a Loss in the client's events. If messages are lost, every Subscription gets it, and a Gap at once. */
    void tellLoss(Loss loss) {
        core.counters.lostMessages(loss.messages());
        core.counters.lostPublishes = Counts.plus(core.counters.lostPublishes, loss.publishes());
        core.counters.lostUnknown = Counts.plus(core.counters.lostUnknown, loss.publishesUnknown());
        core.events.queue.push(loss);
        if (loss.messages() == 0) {
            return;
        }
        core.names.subscriptions().forEach(s -> s.queue.push(loss));
        if (core.names.isAnythingWanted()) {
            core.tellGap(new Gap(List.of(GapTracker.LOSS), false));
        }
    }

    /** Handles names that Redis refuses from now on. */
    private void onRevoked(Connection k, RevokedFields r) {
        if (k.left) {
            return;
        }
        List<Entry> entries = new ArrayList<>();
        r.channels.forEach(name -> entries.add(core.names.channel(name)));
        r.patterns.forEach(name -> entries.add(core.names.pattern(name)));
        entries.removeIf(e -> e == null);
        for (Entry e : entries) {
            Entry.Hold hold = k.holds.get(e);
            if (hold != null) {
                hold.held = false;
            }
        }
        core.restoring.revoke(entries, r.detail);
        entries.forEach(k::forget);
    }
}
