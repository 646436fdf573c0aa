package io.hubrelay;

/** Numbers of messages and publishes, which a relay may tell as large as a long can be. */
final class Counts {
    private Counts() {
    }

    /** The sum of two that are not negative, or the largest number if it is larger. */
    static long plus(long one, long other) {
        long sum = one + other;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }
}
