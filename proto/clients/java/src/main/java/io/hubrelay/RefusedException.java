package io.hubrelay;

import java.util.List;

/** Redis answered with an error, which is in the message. */
public final class RefusedException extends HubrelayException {
    private static final long serialVersionUID = 1L;

    private final Names names;

    RefusedException(String message, Names names) {
        super(message, null);
        this.names = names;
    }

    /**
     * The channels of a Subscribe that Redis refused, as far as the relay could name them.
     *
     * @return channels
     */
    public List<String> channels() {
        return names.channels();
    }

    /**
     * The patterns of a Subscribe that Redis refused, as far as the relay could name them.
     *
     * @return patterns
     */
    public List<String> patterns() {
        return names.patterns();
    }
}
