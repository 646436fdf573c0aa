package io.hubrelay;

/** Sums of counts of messages and publishes. A relay may report counts as large as a long can be. */
final class Counts {
    private Counts() {
    }

    /** The sum of two numbers that are not negative, or the largest long if the sum is larger. */
    static long plus(long one, long other) {
        long sum = one + other;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }
}
