package io.hubrelay;

/**
 * Counters since the client was made, and two gauges.
 *
 * @param published publishes and sends handed to a connection
 * @param notConnected publishes and sends that failed with {@link NotConnectedException}
 * @param interrupted publishes that failed with {@link DeliveryUnknownException}, or whose thread was interrupted
 * @param refused publishes that failed with {@link RefusedException}
 * @param invalid publishes and sends that failed with {@link InvalidRequestException}
 * @param congested publishes and sends that failed with {@link CongestedException}
 * @param closed publishes and sends that failed with {@link ClosedException}
 * @param unknown publishes that failed with {@link UnknownOutcomeException}
 * @param received messages that the relay has sent
 * @param lostMessages messages that a Loss has reported, from the relay or from this client
 * @param lostPublishes sends that a Loss has reported as not delivered
 * @param lostUnknown sends that a Loss has reported as unknown
 * @param gaps Gaps that were reported
 * @param connections connections that had a Welcome: the first one, and each reconnect or move
 * @param waiting publishes that wait for room now
 * @param bytesQueued bytes in all queues of events now
 */
public record Stats(long published, long notConnected, long interrupted, long refused, long invalid, long congested,
        long closed, long unknown, long received, long lostMessages, long lostPublishes, long lostUnknown, long gaps,
        long connections, long waiting, long bytesQueued) {
}
