package io.hubrelay.wire;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A frame from the relay. {@link RelayDecoder} reuses one object for all frames. {@link #kind} says which of the other
 * fields is set. A number above 2^63-1 becomes 2^63-1.
 */
public final class RelayFrame {
    /** The kind is not known here: ignore the frame. */
    public static final int NONE = 0;
    /** {@link #welcome} is set. */
    public static final int WELCOME = 1;
    /** {@link #message} is set. */
    public static final int MESSAGE = 2;
    /** {@link #reply} is set. */
    public static final int REPLY = 3;
    /** {@link #status} is set. */
    public static final int STATUS = 4;
    /** {@link #loss} is set. */
    public static final int LOSS = 5;
    /** {@link #error} is set. */
    public static final int ERROR = 6;
    /** {@link #revoked} is set. */
    public static final int REVOKED = 7;

    /** The kind: one of the constants. */
    public int kind;
    /** A new object for each frame, so it may be kept. */
    public Welcome welcome = new Welcome();
    /** Reused for the next frame. */
    public final Message message = new Message();
    /** Reused for the next frame, except for its lists. */
    public final Reply reply = new Reply();
    /** A new object for each frame, so it may be kept. */
    public StatusFields status = new StatusFields();
    /** Reused for the next frame. */
    public final LossFields loss = new LossFields();
    /** Reused for the next frame. */
    public final ErrorFields error = new ErrorFields();
    /** A new object for each frame, so it may be kept. */
    public RevokedFields revoked = new RevokedFields();

    /** The relay's answer to Hello. */
    public static final class Welcome {
        /** The version that both sides speak from here on. */
        public long version;
        /** For people. */
        public String relayVersion = "";
        /** New at each start of the relay. */
        public String relayId = "";
        /** The longest body in either direction. */
        public long maxFrameBytes;
        /** The largest payload. */
        public long maxPayloadBytes;
        /** The current state; null if the frame had none. */
        public StatusFields status;
        /** The features of this relay. */
        public final List<String> features = new ArrayList<>();

        /**
         * Whether the relay has a feature.
         *
         * @param feature its name
         * @return whether the Welcome names it
         */
        public boolean has(String feature) {
            return features.contains(feature);
        }
    }

    /** A message from Redis. */
    public static final class Message {
        /** The channel that it was published on. */
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
        /** The id of the request. */
        public long id;
        /** One of {@link Protocol}'s outcomes, or one that is not known. */
        public int outcome;
        /** For a publish: the number of subscriptions at Redis that it matched. */
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
        /** How often the state has left UP. */
        public long outages;
        /** For how many milliseconds the state was not UP. */
        public long downMs;
        /** Whether what is published reaches Redis. */
        public boolean publishing;
        /** Whether messages come in. */
        public boolean receiving;
        /** Breaks in receiving. */
        public long gaps;
        /** See the protocol's causes. */
        public int cause;
    }

    /** The counts of what the connection lost. */
    public static final class LossFields {
        /** Publishes without id that were not delivered. */
        public long publishes;
        /** Messages that the relay dropped. */
        public long messages;
        /** For people. */
        public String reason = "";
        /** Publishes without id for which it is unknown whether they were delivered. */
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
