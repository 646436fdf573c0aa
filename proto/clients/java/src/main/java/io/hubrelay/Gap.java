package io.hubrelay;

import java.util.List;

/**
 * Messages may have been missed. Now is the time to read again, from where it is stored, what must not be missed. Other
 * processes are told after other random delays, so that not all of them read at once: do not wait again.
 *
 * @param reasons for people: "gaps", "new connection", "loss" and the like
 * @param partial true while a part of the channels is still away; there will be another Gap once all are back
 */
public record Gap(List<String> reasons, boolean partial) implements Event {
    /**
     * A Gap.
     *
     * @param reasons for people
     * @param partial whether a part of the channels is still away
     */
    public Gap {
        reasons = List.copyOf(reasons);
    }

    @Override
    public String toString() {
        return (partial ? "gap in a part of the channels: " : "gap: ") + String.join(", ", reasons);
    }
}
