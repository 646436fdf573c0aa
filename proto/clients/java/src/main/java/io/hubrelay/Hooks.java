package io.hubrelay;

/**
 * Called around each publish and each delivery, for tracing and measuring. The client does not read payloads: the
 * application has to carry the context of a trace in its own envelope. An exception of a hook is logged, and has no
 * other effect.
 */
public interface Hooks {
    /**
     * Called by the publishing thread before a publish or send.
     *
     * @param channel where it will be published
     * @param payload what will be published; it must not be changed
     * @return any object; {@link #afterPublish} gets it
     */
    default Object beforePublish(String channel, byte[] payload) {
        return null;
    }

    /**
     * Called when the result is known. The caller is the publishing thread, or for {@code publishAsync} the thread that
     * completes the future.
     *
     * @param context the object that {@link #beforePublish} has returned
     * @param channel where it was published
     * @param receivers how many subscriptions at Redis it matched; 0 for a send, and for a failure
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
     * Called by the reading thread when it asks for the next event, or closes the subscription: it has finished with
     * the message. This assumes that one thread reads a stream. With several threads, one may end the message of
     * another.
     *
     * @param message the message
     */
    default void afterDelivery(Message message) {
    }
}
