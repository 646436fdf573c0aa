package io.hubrelay.wire;

import io.hubrelay.wire.RelayFrame.ErrorFields;
import io.hubrelay.wire.RelayFrame.LossFields;
import io.hubrelay.wire.RelayFrame.Message;
import io.hubrelay.wire.RelayFrame.Reply;
import io.hubrelay.wire.RelayFrame.RevokedFields;
import io.hubrelay.wire.RelayFrame.StatusFields;
import io.hubrelay.wire.RelayFrame.Welcome;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Encodes frames as a relay does: for relays in tests. Fields are in the order of their numbers, and defaults are left
 * out.
 */
public final class RelayEncoder {
    /** Room for the numbers of a message, in bytes. */
    private static final int NUMBERS_BYTES = 128;

    private RelayEncoder() {
    }

    /**
     * Encodes a frame of a known kind.
     *
     * @param to the buffer
     * @param frame the frame
     */
    public static void encode(FrameBuffer to, RelayFrame frame) {
        FrameBuffer content = new FrameBuffer();
        switch (frame.kind) {
            case RelayFrame.WELCOME -> welcome(content, frame.welcome);
            case RelayFrame.MESSAGE -> message(content, frame.message);
            case RelayFrame.REPLY -> reply(content, frame.reply);
            case RelayFrame.STATUS -> status(content, frame.status);
            case RelayFrame.LOSS -> loss(content, frame.loss);
            case RelayFrame.ERROR -> error(content, frame.error);
            case RelayFrame.REVOKED -> revoked(content, frame.revoked);
            default -> throw new IllegalArgumentException("kind " + frame.kind);
        }
        to.frame(frame.kind, content.length());
        to.raw(content);
    }

    private static void welcome(FrameBuffer to, Welcome w) {
        to.ensure(NUMBERS_BYTES);
        to.number(1, w.version);
        text(to, 2, w.relayVersion);
        text(to, 3, w.relayId);
        to.number(4, w.maxFrameBytes);
        if (w.status != null) {
            FrameBuffer inner = new FrameBuffer();
            status(inner, w.status);
            to.ensure(NUMBERS_BYTES + inner.length());
            to.tag(5, 2);
            to.varint(inner.length());
            to.raw(inner);
        }
        to.number(6, w.maxPayloadBytes);
        texts(to, 7, w.features);
    }

    private static void message(FrameBuffer to, Message m) {
        text(to, 1, m.channel);
        byte[] payload = m.payload();
        to.ensure(NUMBERS_BYTES + payload.length);
        to.content(2, payload);
        text(to, 3, m.pattern);
    }

    private static void reply(FrameBuffer to, Reply r) {
        to.ensure(NUMBERS_BYTES);
        to.number(1, r.id);
        to.number(2, r.outcome);
        to.number(3, r.receivers);
        text(to, 4, r.detail);
        texts(to, 5, r.channels);
        texts(to, 6, r.patterns);
    }

    private static void status(FrameBuffer to, StatusFields s) {
        to.ensure(NUMBERS_BYTES);
        to.number(1, s.state);
        text(to, 2, s.reason);
        to.number(3, s.sinceUnixMs);
        to.number(4, s.outages);
        to.number(5, s.downMs);
        to.number(6, s.publishing ? 1 : 0);
        to.number(7, s.receiving ? 1 : 0);
        to.number(8, s.gaps);
        to.number(9, s.cause);
    }

    private static void loss(FrameBuffer to, LossFields l) {
        to.ensure(NUMBERS_BYTES);
        to.number(1, l.publishes);
        to.number(2, l.messages);
        text(to, 3, l.reason);
        to.number(4, l.publishesUnknown);
        to.number(5, l.cause);
    }

    private static void error(FrameBuffer to, ErrorFields e) {
        to.ensure(NUMBERS_BYTES);
        to.number(1, e.code);
        text(to, 2, e.detail);
    }

    private static void revoked(FrameBuffer to, RevokedFields r) {
        texts(to, 1, r.channels);
        texts(to, 2, r.patterns);
        text(to, 3, r.detail);
    }

    /** Adds a text, unless it is empty, and makes room for the numbers after it. */
    private static void text(FrameBuffer to, int number, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        to.ensure(NUMBERS_BYTES + bytes.length);
        to.content(number, bytes);
    }

    private static void texts(FrameBuffer to, int number, List<String> texts) {
        for (String text : texts) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            to.ensure(NUMBERS_BYTES + bytes.length);
            to.element(number, bytes);
        }
    }
}
