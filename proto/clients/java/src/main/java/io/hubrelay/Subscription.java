package io.hubrelay;

import java.util.List;

/**
 * A bounded queue of the messages of some channels and patterns, which one reader listens with: one socket of a hub
 * server, one task. Several may listen to the same channel; the relay sees one subscription.
 *
 * <p>It yields {@link Message}, {@link Loss}, {@link Gap} and {@link Revoked}, in their places. On a Loss messages have
 * been missed, on a Gap they may have been: read again what must not be. Revoked is the last event.
 *
 * <p>Threads may share it. Each event goes to one of them.
 */
public final class Subscription extends EventStream implements AutoCloseable {
    /** Guarded by the client's lock. Empty when it is closed. */
    List<Entry> entries = List.of();
    /** Where it is among the listeners of each. */
    int[] places = {};

    private final Names names;
    private volatile boolean pending;

    Subscription(Core core, Names names) {
        super(core, false);
        this.names = names;
    }

    Subscription confirmed(boolean isPending) {
        pending = isPending;
        return this;
    }

    /**
     * The names that were asked for.
     *
     * @return names
     */
    public Names names() {
        return names;
    }

    /**
     * Whether the relay could not confirm the names at the beginning. They are in force from the next {@link Gap} on.
     *
     * @return whether they were pending
     */
    public boolean isPending() {
        return pending;
    }

    /**
     * Ends the subscription. Nobody else who listens to the same channels is affected. What is not taken is discarded.
     * Closing again has no effect.
     */
    @Override
    public void close() {
        core.lock.lock();
        try {
            core.names.detach(this);
        } finally {
            core.unlock();
        }
        queue.discard();
        if (core.hooks != null) {
            finishDelivery();
        }
    }
}
