package io.hubrelay;

import java.util.List;

/**
 * Subscriptions that have ended, because Redis refuses them or no relay grants them. The client does not ask for them
 * again.
 *
 * @param channels the channels that have ended
 * @param patterns the patterns that have ended
 * @param detail why, for people
 */
public record Revoked(List<String> channels, List<String> patterns, String detail) implements Event {
    /**
     * Makes the event.
     *
     * @param channels the channels that have ended
     * @param patterns the patterns that have ended
     * @param detail why, for people
     */
    public Revoked {
        channels = List.copyOf(channels);
        patterns = List.copyOf(patterns);
    }
}
