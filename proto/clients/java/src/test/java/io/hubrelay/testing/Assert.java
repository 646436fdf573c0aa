package io.hubrelay.testing;

import java.util.Objects;
import java.util.function.BooleanSupplier;

/** What tests expect. */
public final class Assert {
    /** Something that may throw anything. */
    public interface Action {
        /**
         * Does it.
         *
         * @throws Exception anything
         */
        void run() throws Exception;
    }

    private Assert() {
    }

    /**
     * Fails unless both are equal.
     *
     * @param expected what is expected
     * @param actual what is there
     */
    public static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("expected " + expected + ", and it is " + actual);
        }
    }

    /**
     * Fails unless something holds.
     *
     * @param condition whether it holds
     * @param message what is wrong if not
     */
    public static void that(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    /**
     * Fails unless an action throws.
     *
     * @param type what it has to throw
     * @param action the action
     * @param <T> what it has to throw
     * @return what it has thrown
     */
    public static <T extends Throwable> T throwing(Class<T> type, Action action) {
        try {
            action.run();
        } catch (Throwable e) {
            if (type.isInstance(e)) {
                return type.cast(e);
            }
            throw new AssertionError("expected " + type.getSimpleName() + ", and it is " + e, e);
        }
        throw new AssertionError("expected " + type.getSimpleName() + ", and nothing was thrown");
    }

    /**
     * Waits until something holds: for what no event tells.
     *
     * @param condition what has to hold
     * @param message what is wrong if it does not within 30 s
     */
    public static void eventually(BooleanSupplier condition, String message) {
        long end = System.nanoTime() + 30_000_000_000L;
        while (!condition.getAsBoolean()) {
            that(System.nanoTime() < end, message);
            Thread.yield();
        }
    }
}
