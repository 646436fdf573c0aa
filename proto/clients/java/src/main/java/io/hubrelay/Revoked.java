package io.hubrelay;

import java.util.List;

/**
 * Subscriptions that have ended, because Redis refuses them or no relay grants them. The client does not ask for them
 * again.
 *
 * @param channels channels
 * @param patterns patterns
 * @param detail why, for people
 */
public record Revoked(List<String> channels, List<String> patterns, String detail) implements Event {
    /**
     * Subscriptions that have ended.
     *
     * @param channels channels
     * @param patterns patterns
     * @param detail why, for people
     */
    public Revoked {
        channels = List.copyOf(channels);
        patterns = List.copyOf(patterns);
    }
}
