package io.hubrelay;

/**
 * Called around each publish and each delivery, for tracing and measuring. Payloads are opaque to the client: a trace's
 * context travels in the application's own envelope. What a hook
 * throws is logged, and changes nothing else.
 */
public interface Hooks {
    /**
     * Called by the publishing thread before a publish or send.
     *
     * @param channel where it is published
     * @param payload what is published; it must not be changed
     * @return anything; {@link #afterPublish} is given it
     */
    default Object beforePublish(String channel, byte[] payload) {
        return null;
    }

    /**
     * Called when the result is known: by the publishing thread, or for {@code publishAsync} by the one that completes
     * the future.
     *
     * @param context what {@link #beforePublish} has returned
     * @param channel where it was published
     * @param receivers how many subscriptions at Redis it matched; 0 of a send, and of a failure
     * @param failure null if it has succeeded
     */
    default void afterPublish(Object context, String channel, long receivers, Throwable failure) {
    }

    /**
     * Called by the reading thread when a message is handed over.
     *
     * @param message the message
     */
    default void beforeDelivery(Message message) {
    }

    /**
     * Called by the reading thread when it asks for the next event, or closes the subscription: it is done with the
     * message. That supposes one thread that reads a stream; with several, one may end the message of another.
     *
     * @param message the message
     */
    default void afterDelivery(Message message) {
    }
}
