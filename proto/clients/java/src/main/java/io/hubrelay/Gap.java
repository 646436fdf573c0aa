package io.hubrelay;

import java.util.List;

/**
 * Messages may have been missed. Now the application should read again, from where it is stored, the data that it must
 * not miss. Each process gets its Gap after its own random delay, so that not all of them read at once: do not add
 * another delay.
 *
 * @param reasons for people: "gaps", "new connection", "loss" and the like
 * @param partial true while a part of the channels is still unavailable; another Gap follows once all are back
 */
public record Gap(List<String> reasons, boolean partial) implements Event {
    /**
     * A Gap.
     *
     * @param reasons for people
     * @param partial whether a part of the channels is still unavailable
     */
    public Gap {
        reasons = List.copyOf(reasons);
    }

    @Override
    public String toString() {
        return (partial ? "gap in a part of the channels: " : "gap: ") + String.join(", ", reasons);
    }
}
