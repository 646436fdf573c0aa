package io.hubrelay;

import java.time.Duration;

/** Durations as nanoseconds. */
final class Durations {
    private Durations() {
    }

    /** The nanoseconds of a duration. A duration beyond 292 years becomes the longest possible one. */
    static long toNanos(Duration duration) {
        try {
            return duration.toNanos();
        } catch (ArithmeticException e) {
            return duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }
}
