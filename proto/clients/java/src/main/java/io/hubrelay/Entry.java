package io.hubrelay;

import java.util.ArrayList;
import java.util.List;

/** One channel or pattern that somebody wants, or that a relay still holds. Guarded by the client's lock. */
final class Entry {
    /** A Subscription's part in an entry: the entry is the one at this index of the Subscription's. */
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
    /** How many connections know of it. */
    int holds;

    Entry(String text, byte[] bytes, boolean pattern) {
        this.text = text;
        this.bytes = bytes;
        this.pattern = pattern;
    }

    /**
     * Whether the next connection is to be asked for it. The order of the Replies decides, and that is the order of the
     * requests.
     */
    boolean isWanted() {
        if (!listeners.isEmpty()) {
            return true;
        }
        return asked == null ? plain : asked.kind == Request.Kind.SUBSCRIBE;
    }

    /** A subscribe or unsubscribe that no relay is asked for: what former ones are still answered counts no more. */
    void decide(boolean isPlain) {
        plain = isPlain;
        asked = null;
    }

    /** What one connection knows of an entry. */
    static final class Hold {
        /** By the Replies that have come. */
        boolean held;
        /** Held, and not in force yet. */
        boolean pending;
        /** The last request for it, while it has no Reply. */
        Request last;

        /** What the relay holds once it has answered everything. */
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
