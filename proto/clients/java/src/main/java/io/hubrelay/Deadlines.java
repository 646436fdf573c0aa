package io.hubrelay;

/** Times are nanoseconds since the client was made: {@link Core#now}. */
final class Deadlines {
    /** A time that never comes. */
    static final long NEVER = Long.MAX_VALUE;

    private Deadlines() {
    }

    /** The time {@code delay} after {@code time}, which may be never. */
    static long after(long time, long delay) {
        return time > NEVER - delay ? NEVER : time + delay;
    }
}
