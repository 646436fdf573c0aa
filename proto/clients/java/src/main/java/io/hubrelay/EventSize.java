package io.hubrelay;

import java.util.List;

/** The size that an event counts for in a queue, in bytes: its texts, and an estimate of the rest. */
final class EventSize {
    /** The estimate of what an event takes besides its texts. */
    static final int BASE = 96;

    private EventSize() {
    }

    static int of(Event event) {
        if (event instanceof Message m) {
            return BASE + m.channel().length() + m.payload().length + m.pattern().length();
        }
        if (event instanceof Status s) {
            return BASE + s.reason().length();
        }
        if (event instanceof Loss l) {
            return BASE + l.reason().length();
        }
        if (event instanceof Revoked r) {
            return BASE + of(r.channels()) + of(r.patterns());
        }
        return BASE;
    }

    private static int of(List<String> names) {
        int size = 0;
        for (String name : names) {
            size += name.length() + 56;
        }
        return size;
    }
}
