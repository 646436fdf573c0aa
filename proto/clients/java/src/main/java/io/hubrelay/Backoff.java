package io.hubrelay;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** The random delay between attempts to connect: from 0 to a bound that doubles. Times are in nanoseconds. */
final class Backoff {
    private static final long HOPELESS_MIN = TimeUnit.SECONDS.toNanos(1);

    private final RandomGenerator random;
    private final Options options;
    /** The attempts since the last good connection. */
    private int attempts;
    private boolean hopeless;

    Backoff(Options options, RandomGenerator random) {
        this.options = options;
        this.random = random;
    }

    /** Makes the next attempt come at once. */
    void reset() {
        attempts = 0;
        hopeless = false;
    }

    /** A connection has ended that lasted for that long. A good one starts the backoff again. */
    void ended(long lasted) {
        if (lasted >= options.goodConnection) {
            attempts = 1;
            hopeless = false;
        }
    }

    /** An attempt was made. It is hopeless if the relay refused it for a reason that will not change by itself. */
    void attempted(boolean isHopeless) {
        attempts = isHopeless == hopeless ? attempts + 1 : 1;
        hopeless = isHopeless;
    }

    /** The delay before the next attempt. */
    long delay() {
        if (attempts == 0) {
            return 0;
        }
        if (hopeless) {
            long bound = bound(HOPELESS_MIN, options.backoffHopeless);
            return bound / 2 + random.nextLong(bound / 2 + 1);
        }
        return random.nextLong(bound(options.backoffMin, options.backoffMax) + 1);
    }

    private long bound(long first, long last) {
        long bound = first;
        for (int i = 1; i < attempts && bound < last; i++) {
            bound *= 2;
        }
        return Math.min(bound, last);
    }
}
