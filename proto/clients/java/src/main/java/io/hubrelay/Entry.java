package io.hubrelay;

import java.util.ArrayList;
import java.util.List;

/** One channel or pattern that somebody wants, or that a relay still holds. Guarded by the client's lock. */
final class Entry {
    /** A Subscription that listens to an entry, and the index of that entry in the Subscription's list. */
    record Listener(Subscription subscription, int index) {
    }

    final String text;
    final byte[] bytes;
    final boolean pattern;
    /** In no order. */
    final List<Listener> listeners = new ArrayList<>(1);
    /** A plain subscribe has asked for it. */
    boolean plain;
    /** The last plain request for it, while it has no Reply. */
    Request asked;
    /** How many connections have a Hold for it. */
    int holds;

    Entry(String text, byte[] bytes, boolean pattern) {
        this.text = text;
        this.bytes = bytes;
        this.pattern = pattern;
    }

    /**
     * Whether the next connection has to ask for it. The last request without Reply decides, since the Replies come in
     * the order of the requests.
     */
    boolean isWanted() {
        if (!listeners.isEmpty()) {
            return true;
        }
        return asked == null ? plain : asked.kind == Request.Kind.SUBSCRIBE;
    }

    /**
     * Decides a subscribe or unsubscribe without asking a relay. Replies to earlier requests then do not count any
     * more.
     */
    void decide(boolean isPlain) {
        plain = isPlain;
        asked = null;
    }

    /** The state of an entry on one connection. */
    static final class Hold {
        /** Whether the relay holds it, according to the Replies that have come. */
        boolean held;
        /** Held, and not in force yet. */
        boolean pending;
        /** The last request for it, while it has no Reply. */
        Request last;

        /** Whether the relay holds it once it has answered everything. */
        boolean willHold() {
            return last == null ? held : last.kind == Request.Kind.SUBSCRIBE;
        }

        void answered(Request request, boolean granted, boolean nowPending) {
            if (last == request) {
                last = null;
            }
            if (granted) {
                held = request.kind == Request.Kind.SUBSCRIBE;
                pending = nowPending;
            }
        }
    }
}
