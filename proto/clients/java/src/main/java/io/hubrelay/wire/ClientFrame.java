package io.hubrelay.wire;

import java.util.ArrayList;
import java.util.List;

/** A frame from a client, as a relay reads it: for relays in tests. */
public final class ClientFrame {
    /** {@link #version} and {@link #clientName} are set. */
    public static final int HELLO = 1;
    /** {@link #id}, {@link #channel} and {@link #payload} are set. */
    public static final int PUBLISH = 2;
    /** {@link #id}, {@link #channels} and {@link #patterns} are set. */
    public static final int SUBSCRIBE = 3;
    /** {@link #id}, {@link #channels} and {@link #patterns} are set. */
    public static final int UNSUBSCRIBE = 4;
    /** {@link #id} and {@link #settled} are set. */
    public static final int PING = 5;

    /** The kind: one of the constants. */
    public int kind;
    /** The highest version that the client speaks. */
    public long version;
    /** The client's name, for people. */
    public String clientName = "";
    /** The request's id; 0 if it gets no Reply. */
    public long id;
    /** The channel to publish on. */
    public String channel = "";
    /** The payload to publish. */
    public byte[] payload = {};
    /** Channels. */
    public List<String> channels = new ArrayList<>();
    /** Patterns. */
    public List<String> patterns = new ArrayList<>();
    /** Whether to answer only once all earlier publishes are answered. */
    public boolean settled;

    private ClientFrame(int kind) {
        this.kind = kind;
    }

    /**
     * Decodes one body.
     *
     * @param body the body
     * @return the frame
     * @throws MalformedFrameException if it is not a client frame of a known kind
     */
    public static ClientFrame decode(byte[] body) throws MalformedFrameException {
        FieldReader kinds = new FieldReader().begin(body, 0, body.length);
        ClientFrame frame = null;
        while (kinds.next()) {
            if (!kinds.hasContent() || kinds.number() > PING) {
                continue;
            }
            if (frame == null || frame.kind != kinds.number()) {
                frame = new ClientFrame(kinds.number());
            }
            FieldReader fields = new FieldReader().begin(body, kinds.start(), kinds.start() + kinds.length());
            while (fields.next()) {
                frame.read(fields);
            }
        }
        if (frame == null) {
            throw new MalformedFrameException("no kind that is known");
        }
        return frame;
    }

    private void read(FieldReader fields) throws MalformedFrameException {
        switch (kind << 4 | Math.min(fields.number(), 15)) {
            case HELLO << 4 | 1 -> version = fields.number32(version);
            case HELLO << 4 | 2 -> clientName = fields.text(clientName);
            case PUBLISH << 4 | 1 -> channel = fields.text(channel);
            case PUBLISH << 4 | 2 -> payload = fields.bytes(payload);
            case SUBSCRIBE << 4 | 1, UNSUBSCRIBE << 4 | 1, PING << 4 | 1, PUBLISH << 4 | 3 -> id = fields.number64(id);
            case SUBSCRIBE << 4 | 2, UNSUBSCRIBE << 4 | 2 -> fields.addText(channels);
            case SUBSCRIBE << 4 | 3, UNSUBSCRIBE << 4 | 3 -> fields.addText(patterns);
            case PING << 4 | 2 -> settled = fields.bool(settled);
            default -> { }
        }
    }
}
