package io.hubrelay;

import java.io.Serializable;
import java.util.List;

/**
 * Channels and patterns. Each has 1 to 512 bytes in UTF-8. Patterns are in Redis's glob syntax. They are possible only
 * where the relay supports them, which it does not with the sharded pub/sub of a cluster.
 *
 * @param channels channels
 * @param patterns patterns
 */
public record Names(List<String> channels, List<String> patterns) implements Serializable {
    /**
     * Channels and patterns.
     *
     * @param channels channels
     * @param patterns patterns
     */
    public Names {
        channels = List.copyOf(channels);
        patterns = List.copyOf(patterns);
    }

    /**
     * Channels only.
     *
     * @param channels channels
     * @return the names
     */
    public static Names ofChannels(String... channels) {
        return new Names(List.of(channels), List.of());
    }

    /**
     * Patterns only.
     *
     * @param patterns patterns
     * @return the names
     */
    public static Names ofPatterns(String... patterns) {
        return new Names(List.of(), List.of(patterns));
    }
}
