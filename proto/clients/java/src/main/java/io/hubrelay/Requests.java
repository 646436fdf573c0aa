package io.hubrelay;

import io.hubrelay.wire.ClientEncoder;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Writes Subscribes, Unsubscribes and Pings. With the client's lock. */
final class Requests {
    private final Core core;

    Requests(Core core) {
        this.core = core;
    }

    /**
     * Sends a Subscribe or Unsubscribe for entries, in as many frames as needed. Each is a copy of {@code like}.
     *
     * @return the number of frames
     */
    int ask(Connection k, Request like, List<Entry> entries) {
        if (k.ended != null || k.left) {
            return 0;
        }
        int budget = ClientEncoder.namesBudget(k.maxFrame);
        int frames = 0;
        for (int from = 0; from < entries.size(); frames++) {
            int to = from;
            int size = 0;
            while (to < entries.size() && (to == from || size + nameBytes(entries, to) <= budget)) {
                size += nameBytes(entries, to);
                to++;
            }
            Request r = like.copy();
            r.entries = entries.subList(from, to);
            if (to == entries.size()) {
                r.rest = like.rest; // the last frame carries what waits for all of them
            }
            sendNames(k, r);
            from = to;
        }
        return frames;
    }

    private static int nameBytes(List<Entry> entries, int index) {
        return ClientEncoder.nameBytes(entries.get(index).bytes);
    }

    private static void sendNames(Connection k, Request r) {
        List<byte[]> channels = new ArrayList<>();
        List<byte[]> patterns = new ArrayList<>();
        for (Entry e : r.entries) {
            (e.pattern ? patterns : channels).add(e.bytes);
            k.holdOf(e).last = r;
            if (r.plain) {
                e.asked = r;
            }
        }
        if (r.operation != null) {
            r.operation.left++;
        }
        if (r.restore) {
            k.restoring++;
        }
        k.subscribeOrUnsubscribe(r, channels, patterns);
    }

    /** Sends requests in place of another one. A Gap that waited for that one waits for these, too. */
    void askCounted(Connection k, Request like, List<Entry> entries) {
        int frames = ask(k, like, entries);
        if (like.barrier && k == core.newest()) {
            core.gaps.addToBarrier(frames);
        }
    }

    /** Subscribes to a fence, or unsubscribes from it. */
    void askForFence(Connection k, Request.Kind kind, byte[] fence, Consumer<Reply> onReply) {
        Request r = new Request(kind);
        r.onReply = onReply;
        k.subscribeOrUnsubscribe(r, List.of(fence), List.of());
    }

    /** Sends a Ping, to see whether the relay still answers. */
    void ping(Connection k) {
        k.ping(new Request(Request.Kind.PING), false);
    }

    /** Asks for the outcome of publishes without Reply, if the relay supports that and something is unsettled. */
    void askSettled(Connection k) {
        if (k == null || k.ended != null || k.output.isShutting() || !k.settler.isWorthAsking()) {
            return;
        }
        k.settler.ask();
        Request r = new Request(Request.Kind.PING);
        r.onReply = reply -> {
            k.settler.answered(reply.outcome == Protocol.OUTCOME_OK, core.now());
            core.clock.by(k.settler.due());
        };
        k.ping(r, true);
    }
}
