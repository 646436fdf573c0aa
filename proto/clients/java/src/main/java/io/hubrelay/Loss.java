package io.hubrelay;

/**
 * Counts what was lost, at its place among the events. The counts are exact, up to 2^63 - 1.
 *
 * @param publishes publishes without Reply that were certainly not delivered
 * @param publishesUnknown publishes without Reply for which it is unknown whether they were delivered
 * @param messages messages that were dropped: by the relay, or by this client when {@code local} is true
 * @param cause why
 * @param causeNumber the cause's number in the protocol, also of a cause that this version does not know
 * @param reason why, for people
 * @param local true if this client has counted it, false if the relay has
 */
public record Loss(long publishes, long publishesUnknown, long messages, Cause cause, int causeNumber, String reason,
        boolean local) implements Event {

    static Loss local(long publishes, long publishesUnknown, long messages, Cause cause, String reason) {
        return new Loss(publishes, publishesUnknown, messages, cause, cause.number(), reason, true);
    }

    /** The sum of this Loss and another one, with the cause of this one. */
    Loss plus(Loss other) {
        return new Loss(Counts.plus(publishes, other.publishes), Counts.plus(publishesUnknown, other.publishesUnknown),
                Counts.plus(messages, other.messages), cause, causeNumber, reason, local && other.local);
    }
}
