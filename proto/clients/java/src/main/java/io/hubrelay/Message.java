package io.hubrelay;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/** One message from Redis. */
public final class Message implements Event {
    static final AtomicIntegerFieldUpdater<Message> QUEUES =
            AtomicIntegerFieldUpdater.newUpdater(Message.class, "queues");

    private final String channel;
    private final byte[] payload;
    private final String pattern;
    /** How many queues hold this message now. */
    private volatile int queues;

    Message(String channel, byte[] payload, String pattern) {
        this.channel = channel;
        this.payload = payload;
        this.pattern = pattern;
    }

    /**
     * Makes a message as a subscription to a channel yields it: for tests of code that handles messages.
     *
     * @param channel where it was published
     * @param payload what was published; it is not copied
     * @return a message
     */
    public static Message of(String channel, byte[] payload) {
        return of(channel, payload, "");
    }

    /**
     * Makes a message as a subscription to a pattern yields it: for tests of code that handles messages.
     *
     * @param channel where it was published
     * @param payload what was published; it is not copied
     * @param pattern the pattern that matched; empty when the channel itself is subscribed
     * @return a message
     */
    public static Message of(String channel, byte[] payload, String pattern) {
        return new Message(Objects.requireNonNull(channel), Objects.requireNonNull(payload),
                Objects.requireNonNull(pattern));
    }

    /**
     * The channel that it was published on.
     *
     * @return the channel
     */
    public String channel() {
        return channel;
    }

    /**
     * The payload. The array is shared with other subscriptions, and must not be changed.
     *
     * @return the payload
     */
    public byte[] payload() {
        return payload;
    }

    /**
     * The payload, read-only.
     *
     * @return a new buffer around the same bytes
     */
    public ByteBuffer payloadBuffer() {
        return ByteBuffer.wrap(payload).asReadOnlyBuffer();
    }

    /**
     * The payload as text in UTF-8. Bytes that are not UTF-8 become U+FFFD.
     *
     * @return the text
     */
    public String text() {
        return new String(payload, StandardCharsets.UTF_8);
    }

    /**
     * The pattern that matched.
     *
     * @return the pattern; empty when the channel itself is subscribed
     */
    public String pattern() {
        return pattern;
    }

    @Override
    public String toString() {
        return "message on " + channel + ", " + payload.length + " bytes";
    }
}
