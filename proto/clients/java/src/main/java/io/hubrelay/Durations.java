package io.hubrelay;

import java.time.Duration;

/** Durations as nanoseconds. */
final class Durations {
    private Durations() {
    }

    /** Durations beyond 292 years are that long. */
    static long toNanos(Duration duration) {
        try {
            return duration.toNanos();
        } catch (ArithmeticException e) {
            return duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }
}
