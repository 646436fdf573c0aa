package io.hubrelay;

import java.util.List;

/**
 * A bounded queue of the messages of some channels and patterns, for one reader: one socket of a hub server, or one
 * task. Several subscriptions may listen to the same channel; the relay sees one subscription.
 *
 * <p>It yields {@link Message}, {@link Loss}, {@link Gap} and {@link Revoked}, each at its place. A Loss means that
 * messages have been missed, and a Gap that they may have been: read again the data that must not be missed. Revoked is
 * the last event.
 *
 * <p>Threads may share it. Each event goes to one of them.
 */
public final class Subscription extends EventStream implements AutoCloseable {
    /** Guarded by the client's lock. Empty when the subscription is closed. */
    List<Entry> entries = List.of();
    /** For each entry: the index of this subscription in the entry's listeners. */
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
     * The names that were subscribed to.
     *
     * @return names
     */
    public Names names() {
        return names;
    }

    /**
     * Whether the relay could not confirm the names at first. They are in force from the next {@link Gap} on.
     *
     * @return whether they were pending
     */
    public boolean isPending() {
        return pending;
    }

    /**
     * Ends the subscription. Others that listen to the same channels are not affected. Events that were not taken are
     * discarded. Closing again has no effect.
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
