package io.hubrelay.wire;

/** The constants of the protocol, which both sides know. Sizes are in bytes. */
public final class Protocol {
    /** The version of the protocol that this client speaks. */
    public static final int VERSION = 1;
    /** The size of the length in front of each body. */
    public static final int HEADER_BYTES = 4;
    /** The longest body of a Hello, the first frame of a client. */
    public static final int MAX_HELLO_BYTES = 4096;
    /** The longest body of a Welcome, the first frame of a relay. */
    public static final int MAX_WELCOME_BYTES = 65_536;
    /** The longest name of a client. */
    public static final int MAX_CLIENT_NAME_BYTES = 64;
    /** The longest channel or pattern. */
    public static final int MAX_NAME_BYTES = 512;
    /** The largest id of a request. */
    public static final long MAX_ID = (1L << 53) - 1;
    /** The prefix of a fence's name. */
    public static final String FENCE_PREFIX = "__hubrelay:fence:";

    /** Feature: patterns in Subscribe and Unsubscribe. */
    public static final String FEATURE_PATTERNS = "patterns";
    /** Feature: a Ping that is answered only once all earlier publishes are answered. */
    public static final String FEATURE_SETTLED = "settled";
    /** Feature: fences. */
    public static final String FEATURE_FENCE = "fence";

    /** Outcome of a Reply: it was done. */
    public static final int OUTCOME_OK = 1;
    /** Outcome of a Subscribe: held, and not in force yet. */
    public static final int OUTCOME_PENDING = 2;
    /** Outcome of a publish: certainly not delivered. */
    public static final int OUTCOME_NOT_CONNECTED = 3;
    /** Outcome of a publish: it is unknown whether it was delivered. */
    public static final int OUTCOME_INTERRUPTED = 4;
    /** Outcome: Redis answered with an error. */
    public static final int OUTCOME_REFUSED = 5;
    /** Outcome: the request itself is wrong. */
    public static final int OUTCOME_INVALID = 6;
    /** Outcome of a Subscribe: it would exceed a limit of the relay. */
    public static final int OUTCOME_LIMIT = 7;

    /** Error code: there is no version that both speak. */
    public static final int CODE_VERSION = 4;
    /** Error code: this process may not connect. */
    public static final int CODE_NOT_ALLOWED = 5;

    private Protocol() {
    }
}
