package io.hubrelay;

import io.hubrelay.Failure.Kind;
import java.util.concurrent.atomic.AtomicLongArray;

/** The counts behind {@link Stats}. Plain fields are guarded by the client's lock. */
final class Counters {
    long published;
    long received;
    long lostMessages;
    long lostPublishes;
    long lostUnknown;
    long gaps;
    long connections;
    private final AtomicLongArray failures = new AtomicLongArray(Kind.values().length);

    void lostMessages(long count) {
        lostMessages = Counts.plus(lostMessages, count);
    }

    void failed(Kind kind) {
        failures.incrementAndGet(kind.ordinal());
    }

    long failures(Kind kind) {
        return failures.get(kind.ordinal());
    }
}
