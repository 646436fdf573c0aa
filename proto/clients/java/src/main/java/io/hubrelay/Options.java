package io.hubrelay;

import java.util.concurrent.TimeUnit;

/** Times in nanoseconds, and bounds. {@link ClientBuilder} describes them. */
final class Options implements Cloneable {
    long gapDelay = TimeUnit.SECONDS.toNanos(2);
    long partialGap = TimeUnit.SECONDS.toNanos(5);
    long backoffMin = TimeUnit.MILLISECONDS.toNanos(20);
    long backoffMax = TimeUnit.MILLISECONDS.toNanos(500);
    long backoffHopeless = TimeUnit.SECONDS.toNanos(30);
    long goodConnection = TimeUnit.SECONDS.toNanos(5);
    long handshake = TimeUnit.SECONDS.toNanos(5);
    long drain = TimeUnit.SECONDS.toNanos(8);
    long successor = TimeUnit.MILLISECONDS.toNanos(250);
    long settle = TimeUnit.SECONDS.toNanos(1);
    long pingOwed = TimeUnit.SECONDS.toNanos(5);
    long pingIdle = TimeUnit.SECONDS.toNanos(15);
    long pingTimeout = TimeUnit.SECONDS.toNanos(5);

    int inFlight = 10_000;
    int unsent = 16 << 20;
    int unsentSend = 1 << 20;
    int queue = 4 << 20;
    long allQueues = 64L << 20;

    System.Logger logger;
    Hooks hooks;

    Options copy() {
        try {
            return (Options) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }
}
