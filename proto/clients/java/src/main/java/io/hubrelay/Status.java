package io.hubrelay;

import io.hubrelay.wire.RelayFrame.StatusFields;
import java.time.Duration;
import java.time.Instant;

/**
 * The state of the path between this process and Redis, with its details.
 *
 * @param connected false while there is no connection to a relay: then the cause is {@link Cause#NO_RELAY}, the state
 *     is {@link State#DOWN}, and the counts have no meaning
 * @param state the state
 * @param stateNumber the state's number in the protocol, also of a state that this version does not know
 * @param cause why the state is as it is
 * @param causeNumber the cause's number in the protocol, also of a cause that this version does not know
 * @param reason the same, as text for people
 * @param since the time from which on the state has been as it is
 * @param outages how often the state has left UP since the relay started
 * @param down when the state becomes UP: for how long it was not UP
 * @param publishing true if what is published now reaches Redis, on every channel
 * @param receiving true if messages come in, and every subscription is confirmed
 * @param gaps breaks in receiving since the relay started; the client watches this count, and reports a {@link Gap}
 */
public record Status(boolean connected, State state, int stateNumber, Cause cause, int causeNumber, String reason,
        Instant since, long outages, Duration down, boolean publishing, boolean receiving, long gaps)
        implements Event {
    static final int STATE_DOWN = 3;
    static final int STATE_DEGRADED = 2;
    static final int STATE_STOPPING = 4;

    static Status of(StatusFields fields) {
        return new Status(true, State.of(fields.state), fields.state, Cause.of(fields.cause), fields.cause,
                fields.reason, Instant.ofEpochMilli(fields.sinceUnixMs), fields.outages,
                Duration.ofMillis(fields.downMs), fields.publishing, fields.receiving, fields.gaps);
    }

    static Status noRelay(String reason) {
        return new Status(false, State.DOWN, STATE_DOWN, Cause.NO_RELAY, Cause.NO_RELAY.number(), reason,
                Instant.now(), 0, Duration.ZERO, false, false, 0);
    }

    @Override
    public String toString() {
        return state + " (publishing " + publishing + ", receiving " + receiving + ", cause " + cause + "): " + reason;
    }
}
