package io.hubrelay.wire;

import io.hubrelay.wire.RelayFrame.ErrorFields;
import io.hubrelay.wire.RelayFrame.LossFields;
import io.hubrelay.wire.RelayFrame.Message;
import io.hubrelay.wire.RelayFrame.Reply;
import io.hubrelay.wire.RelayFrame.RevokedFields;
import io.hubrelay.wire.RelayFrame.StatusFields;
import io.hubrelay.wire.RelayFrame.Welcome;
import java.util.ArrayList;
import java.util.List;

/** Decodes the bodies of relay frames. One thread at a time may use it. */
public final class RelayDecoder {
    private final RelayFrame frame = new RelayFrame();
    private final FieldReader kinds = new FieldReader();
    private final FieldReader fields = new FieldReader();
    private final FieldReader inner = new FieldReader();

    /**
     * Decodes one body. If it has several kinds, the last one counts. A kind that comes twice in a row is merged.
     *
     * @param data an array with the body in it
     * @param from where the body begins
     * @param to where it ends
     * @return the frame, which is reused for the next one; its kind is NONE if no kind is known
     * @throws MalformedFrameException if it is not a relay frame
     */
    public RelayFrame decode(byte[] data, int from, int to) throws MalformedFrameException {
        frame.kind = RelayFrame.NONE;
        kinds.begin(data, from, to);
        while (kinds.next()) {
            if (!kinds.hasContent() || kinds.number() > RelayFrame.REVOKED) {
                continue;
            }
            if (kinds.number() != frame.kind) {
                frame.kind = kinds.number();
                reset();
            }
            fields.begin(data, kinds.start(), kinds.start() + kinds.length());
            decodeKind(data);
        }
        return frame;
    }

    private void decodeKind(byte[] data) throws MalformedFrameException {
        switch (frame.kind) {
            case RelayFrame.WELCOME -> decodeWelcome(data, frame.welcome);
            case RelayFrame.MESSAGE -> decodeMessage(data, frame.message);
            case RelayFrame.REPLY -> decodeReply(frame.reply);
            case RelayFrame.STATUS -> decodeStatus(fields, frame.status);
            case RelayFrame.LOSS -> decodeLoss(frame.loss);
            case RelayFrame.ERROR -> decodeError(frame.error);
            default -> decodeRevoked(frame.revoked);
        }
    }

    /** Resets the values of the previous frame of this kind. */
    private void reset() {
        switch (frame.kind) {
            case RelayFrame.WELCOME -> frame.welcome = new Welcome();
            case RelayFrame.MESSAGE -> {
                frame.message.channel = "";
                frame.message.pattern = "";
                frame.message.payloadStart = 0;
                frame.message.payloadLength = 0;
            }
            case RelayFrame.REPLY -> {
                Reply reply = frame.reply;
                reply.id = 0;
                reply.outcome = 0;
                reply.receivers = 0;
                reply.detail = "";
                reply.channels = List.of();
                reply.patterns = List.of();
            }
            case RelayFrame.STATUS -> frame.status = new StatusFields();
            case RelayFrame.LOSS -> {
                LossFields loss = frame.loss;
                loss.publishes = 0;
                loss.messages = 0;
                loss.reason = "";
                loss.publishesUnknown = 0;
                loss.cause = 0;
            }
            case RelayFrame.ERROR -> {
                frame.error.code = 0;
                frame.error.detail = "";
            }
            default -> frame.revoked = new RevokedFields();
        }
    }

    private void decodeMessage(byte[] data, Message message) throws MalformedFrameException {
        message.data = data;
        while (fields.next()) {
            switch (fields.number()) {
                case 1 -> message.channel = fields.text(message.channel);
                case 2 -> {
                    if (fields.hasContent()) {
                        message.payloadStart = fields.start();
                        message.payloadLength = fields.length();
                    }
                }
                case 3 -> message.pattern = fields.text(message.pattern);
                default -> { }
            }
        }
    }

    private void decodeReply(Reply reply) throws MalformedFrameException {
        while (fields.next()) {
            switch (fields.number()) {
                case 1 -> reply.id = fields.number64(reply.id);
                case 2 -> reply.outcome = fields.enumeration(reply.outcome);
                case 3 -> reply.receivers = fields.number64(reply.receivers);
                case 4 -> reply.detail = fields.text(reply.detail);
                case 5 -> fields.addText(reply.channels = growable(reply.channels));
                case 6 -> fields.addText(reply.patterns = growable(reply.patterns));
                default -> { }
            }
        }
    }

    /** Returns a list that can grow. Most Replies have no names, so no list is made in advance. */
    private static List<String> growable(List<String> list) {
        return list.isEmpty() ? new ArrayList<>() : list;
    }

    private void decodeWelcome(byte[] data, Welcome welcome) throws MalformedFrameException {
        while (fields.next()) {
            switch (fields.number()) {
                case 1 -> welcome.version = fields.number32(welcome.version);
                case 2 -> welcome.relayVersion = fields.text(welcome.relayVersion);
                case 3 -> welcome.relayId = fields.text(welcome.relayId);
                case 4 -> welcome.maxFrameBytes = fields.number32(welcome.maxFrameBytes);
                case 5 -> {
                    if (fields.hasContent()) {
                        if (welcome.status == null) {
                            welcome.status = new StatusFields();
                        }
                        inner.begin(data, fields.start(), fields.start() + fields.length());
                        decodeStatus(inner, welcome.status);
                    }
                }
                case 6 -> welcome.maxPayloadBytes = fields.number32(welcome.maxPayloadBytes);
                case 7 -> fields.addText(welcome.features);
                default -> { }
            }
        }
    }

    private static void decodeStatus(FieldReader from, StatusFields status) throws MalformedFrameException {
        while (from.next()) {
            switch (from.number()) {
                case 1 -> status.state = from.enumeration(status.state);
                case 2 -> status.reason = from.text(status.reason);
                case 3 -> status.sinceUnixMs = from.number64(status.sinceUnixMs);
                case 4 -> status.outages = from.number64(status.outages);
                case 5 -> status.downMs = from.number64(status.downMs);
                case 6 -> status.publishing = from.bool(status.publishing);
                case 7 -> status.receiving = from.bool(status.receiving);
                case 8 -> status.gaps = from.number64(status.gaps);
                case 9 -> status.cause = from.enumeration(status.cause);
                default -> { }
            }
        }
    }

    private void decodeLoss(LossFields loss) throws MalformedFrameException {
        while (fields.next()) {
            switch (fields.number()) {
                case 1 -> loss.publishes = fields.number64(loss.publishes);
                case 2 -> loss.messages = fields.number64(loss.messages);
                case 3 -> loss.reason = fields.text(loss.reason);
                case 4 -> loss.publishesUnknown = fields.number64(loss.publishesUnknown);
                case 5 -> loss.cause = fields.enumeration(loss.cause);
                default -> { }
            }
        }
    }

    private void decodeError(ErrorFields error) throws MalformedFrameException {
        while (fields.next()) {
            switch (fields.number()) {
                case 1 -> error.code = fields.enumeration(error.code);
                case 2 -> error.detail = fields.text(error.detail);
                default -> { }
            }
        }
    }

    private void decodeRevoked(RevokedFields revoked) throws MalformedFrameException {
        while (fields.next()) {
            switch (fields.number()) {
                case 1 -> fields.addText(revoked.channels);
                case 2 -> fields.addText(revoked.patterns);
                case 3 -> revoked.detail = fields.text(revoked.detail);
                default -> { }
            }
        }
    }
}
