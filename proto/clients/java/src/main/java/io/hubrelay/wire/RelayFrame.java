package io.hubrelay.wire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A frame from the relay. {@link RelayDecoder} fills the same one again and again: {@link #kind} says which of the
 * others counts. Numbers above 2^63-1 are that number.
 */
public final class RelayFrame {
    /** No kind that is known here: the frame is to be ignored. */
    public static final int NONE = 0;
    /** {@link #welcome} counts. */
    public static final int WELCOME = 1;
    /** {@link #message} counts. */
    public static final int MESSAGE = 2;
    /** {@link #reply} counts. */
    public static final int REPLY = 3;
    /** {@link #status} counts. */
    public static final int STATUS = 4;
    /** {@link #loss} counts. */
    public static final int LOSS = 5;
    /** {@link #error} counts. */
    public static final int ERROR = 6;
    /** {@link #revoked} counts. */
    public static final int REVOKED = 7;

    /** The kind: one of the constants. */
    public int kind;
    /** Made anew for each frame, so it may be kept. */
    public Welcome welcome = new Welcome();
    /** Used again for the next frame. */
    public final Message message = new Message();
    /** Used again for the next frame, but for its lists. */
    public final Reply reply = new Reply();
    /** Made anew for each frame, so it may be kept. */
    public StatusFields status = new StatusFields();
    /** Used again for the next frame. */
    public final LossFields loss = new LossFields();
    /** Used again for the next frame. */
    public final ErrorFields error = new ErrorFields();
    /** Made anew for each frame, so it may be kept. */
    public RevokedFields revoked = new RevokedFields();

    /** The relay's answer to Hello. */
    public static final class Welcome {
        /** The version that is spoken from here on. */
        public long version;
        /** For people. */
        public String relayVersion = "";
        /** New at each start of the relay. */
        public String relayId = "";
        /** The longest body in either direction. */
        public long maxFrameBytes;
        /** The largest payload. */
        public long maxPayloadBytes;
        /** The state at this moment; null when the frame had none. */
        public StatusFields status;
        /** What is possible with this relay. */
        public final List<String> features = new ArrayList<>();

        /**
         * Whether the relay has a feature.
         *
         * @param feature its name
         * @return whether it is named
         */
        public boolean has(String feature) {
            return features.contains(feature);
        }
    }

    /** A message from Redis. */
    public static final class Message {
        /** Where it was published. */
        public String channel = "";
        /** The pattern that matched, or empty. */
        public String pattern = "";
        byte[] data = new byte[0];
        int payloadStart;
        int payloadLength;

        /**
         * Sets the payload.
         *
         * @param payload what was published
         */
        public void payload(byte[] payload) {
            data = payload;
            payloadStart = 0;
            payloadLength = payload.length;
        }

        /**
         * A copy of the payload.
         *
         * @return what was published
         */
        public byte[] payload() {
            return Arrays.copyOfRange(data, payloadStart, payloadStart + payloadLength);
        }
    }

    /** The answer to one request. */
    public static final class Reply {
        /** The request's. */
        public long id;
        /** One of {@link Protocol}'s outcomes, or one that is not known. */
        public int outcome;
        /** Of a publish: the subscriptions at Redis that it matched. */
        public long receivers;
        /** For people. */
        public String detail = "";
        /** Channels that Redis refused. */
        public List<String> channels = List.of();
        /** Patterns that Redis refused. */
        public List<String> patterns = List.of();
    }

    /** The state of the path between relay and Redis. */
    public static final class StatusFields {
        /** 1 to 4, or one that is not known. */
        public int state;
        /** For people. */
        public String reason = "";
        /** Milliseconds since 1970. */
        public long sinceUnixMs;
        /** Departures from UP. */
        public long outages;
        /** Milliseconds for which it was not UP. */
        public long downMs;
        /** What is published reaches Redis. */
        public boolean publishing;
        /** Messages come in. */
        public boolean receiving;
        /** Breaks in receiving. */
        public long gaps;
        /** See the protocol's causes. */
        public int cause;
    }

    /** What the connection lost. */
    public static final class LossFields {
        /** Publishes without id that were not delivered. */
        public long publishes;
        /** Messages that the relay dropped. */
        public long messages;
        /** For people. */
        public String reason = "";
        /** Publishes without id of which nobody knows. */
        public long publishesUnknown;
        /** See the protocol's causes. */
        public int cause;
    }

    /** The last frame of a connection. */
    public static final class ErrorFields {
        /** See the protocol's codes. */
        public int code;
        /** For people. */
        public String detail = "";
    }

    /** Subscriptions that the connection no longer has. */
    public static final class RevokedFields {
        /** Their channels. */
        public final List<String> channels = new ArrayList<>();
        /** Their patterns. */
        public final List<String> patterns = new ArrayList<>();
        /** For people. */
        public String detail = "";
    }
}
