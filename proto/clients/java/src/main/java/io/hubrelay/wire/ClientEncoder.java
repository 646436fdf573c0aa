package io.hubrelay.wire;

import java.util.List;

/**
 * Adds frames of the client to a buffer. Fields are in the order of their numbers, and defaults are left out. The
 * caller checks the sizes, and gives names as their bytes in UTF-8.
 */
public final class ClientEncoder {
    /** The field number of Subscribe. */
    public static final int SUBSCRIBE = 3;
    /** The field number of Unsubscribe. */
    public static final int UNSUBSCRIBE = 4;

    private static final int HELLO = 1;
    private static final int PUBLISH = 2;
    private static final int PING = 5;
    /** The most that tags, lengths and the id take around a channel and a payload, or around a list of names. */
    private static final int OVERHEAD = 32;

    private ClientEncoder() {
    }

    /**
     * Adds a Hello of this version.
     *
     * @param to the buffer
     * @param clientName the name of the client
     */
    public static void hello(FrameBuffer to, byte[] clientName) {
        to.frame(HELLO, FrameBuffer.numberSize(Protocol.VERSION) + FrameBuffer.contentSize(clientName));
        to.number(1, Protocol.VERSION);
        to.content(2, clientName);
    }

    /**
     * Adds a Publish.
     *
     * @param to the buffer
     * @param channel where to publish
     * @param payload what to publish
     * @param id the request's id; with 0 there will be no Reply
     */
    public static void publish(FrameBuffer to, byte[] channel, byte[] payload, long id) {
        to.frame(PUBLISH, FrameBuffer.contentSize(channel) + FrameBuffer.contentSize(payload)
                + FrameBuffer.numberSize(id));
        to.content(1, channel);
        to.content(2, payload);
        to.number(3, id);
    }

    /**
     * Adds a Subscribe or an Unsubscribe.
     *
     * @param to the buffer
     * @param kind {@link #SUBSCRIBE} or {@link #UNSUBSCRIBE}
     * @param id the request's id
     * @param channels channels
     * @param patterns patterns
     */
    public static void names(FrameBuffer to, int kind, long id, List<byte[]> channels, List<byte[]> patterns) {
        int size = FrameBuffer.numberSize(id);
        for (byte[] channel : channels) {
            size += FrameBuffer.elementSize(channel);
        }
        for (byte[] pattern : patterns) {
            size += FrameBuffer.elementSize(pattern);
        }
        to.frame(kind, size);
        to.number(1, id);
        for (byte[] channel : channels) {
            to.element(2, channel);
        }
        for (byte[] pattern : patterns) {
            to.element(3, pattern);
        }
    }

    /**
     * Adds a Ping.
     *
     * @param to the buffer
     * @param id the request's id
     * @param settled whether the Reply is to come only once all earlier publishes are answered
     */
    public static void ping(FrameBuffer to, long id, boolean settled) {
        to.frame(PING, FrameBuffer.numberSize(id) + (settled ? 2 : 0));
        to.number(1, id);
        to.number(2, settled ? 1 : 0);
    }

    /**
     * An upper bound for the size of the body of a Publish.
     *
     * @param channel where to publish
     * @param payloadBytes the size of the payload, in bytes
     * @return bytes
     */
    public static long publishBytes(byte[] channel, int payloadBytes) {
        return (long) channel.length + payloadBytes + OVERHEAD;
    }

    /**
     * The size that one name takes in a Subscribe.
     *
     * @param name a channel or pattern
     * @return bytes
     */
    public static int nameBytes(byte[] name) {
        return FrameBuffer.elementSize(name);
    }

    /**
     * How many bytes of names, as counted by {@link #nameBytes}, fit into a Subscribe.
     *
     * @param maxFrame the longest body that is allowed, in bytes
     * @return bytes
     */
    public static int namesBudget(int maxFrame) {
        return maxFrame - OVERHEAD;
    }
}
