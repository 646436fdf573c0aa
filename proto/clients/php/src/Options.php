<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The settings of a Client. Durations are in seconds, sizes in bytes. The defaults are right for most workers:
 * `new Options(gapJitter: 0.5)` changes one of them.
 */
final class Options
{
    /**
     * @param int   $eventsBytes     bytes that one subscription, or `events`, keeps until the application takes them
     * @param int   $queuedBytes     bytes that all of them keep together
     * @param int   $unsentBytes     bytes that the relay has not read yet; `send` is refused above a sixteenth of it.
     *                               The same amount may wait for room, where each publish counts 500 bytes more
     * @param int   $unanswered      publishes without a Reply
     * @param float $gapJitter       a Gap comes at most this long after the relay receives again
     * @param float $partialGap      a partial Gap comes after being DEGRADED and not receiving for this long
     * @param float $backoffMin      first bound of the random delay before the next attempt to connect; it doubles
     * @param float $backoffMax      last bound of that delay
     * @param float $backoffHopeless last bound after an answer that will not change by itself: VERSION, NOT_ALLOWED
     * @param float $goodConnection  a connection that lasted this long makes the backoff start again
     * @param float $handshake       time for a relay to send its Welcome
     * @param float $firstUse        requests before the end of the first attempt to connect wait this long
     * @param float $successor       time for the next relay to send its Welcome while one is STOPPING, for its fence,
     *                               and for publishes to wait for that
     * @param float $drain           time for outstanding Replies, when a relay is left and when the client is closed
     * @param float $settle          after this long the client asks the relay for the outcome of the `send`s
     * @param float $pingOwed        a Ping is sent if nothing was read for this long while a Reply is outstanding
     * @param float $pingIdle        a Ping is sent in any case if nothing was read for this long
     * @param float $pingTimeout     the connection is given up if no byte came for this long after the Ping
     *
     * @throws \ValueError if one of them is below 0 or not a number
     */
    public function __construct(
        public readonly int $eventsBytes = 4 << 20,
        public readonly int $queuedBytes = 64 << 20,
        public readonly int $unsentBytes = 16 << 20,
        public readonly int $unanswered = 10_000,
        public readonly float $gapJitter = 2.0,
        public readonly float $partialGap = 5.0,
        public readonly float $backoffMin = 0.02,
        public readonly float $backoffMax = 0.5,
        public readonly float $backoffHopeless = 30.0,
        public readonly float $goodConnection = 5.0,
        public readonly float $handshake = 5.0,
        public readonly float $firstUse = 1.0,
        public readonly float $successor = 0.25,
        public readonly float $drain = 8.0,
        public readonly float $settle = 1.0,
        public readonly float $pingOwed = 5.0,
        public readonly float $pingIdle = 15.0,
        public readonly float $pingTimeout = 5.0,
    ) {
        foreach (\get_object_vars($this) as $name => $value) {
            if (!($value >= 0)) {
                throw new \ValueError("the option $name must not be below 0");
            }
        }
    }
}
