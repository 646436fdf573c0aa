package io.hubrelay;

import io.hubrelay.Failure.Kind;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** What {@link Stats} is made of. Plain fields are guarded by the client's lock. */
final class Counters {
    long published;
    long received;
    long lostPublishes;
    long lostUnknown;
    long gaps;
    long connections;
    final LongAdder lostMessages = new LongAdder();
    private final AtomicLongArray failures = new AtomicLongArray(Kind.values().length);

    void failed(Kind kind) {
        failures.incrementAndGet(kind.ordinal());
    }

    long failures(Kind kind) {
        return failures.get(kind.ordinal());
    }
}
