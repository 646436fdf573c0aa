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
     * @param int   $eventsBytes     what one subscription, or `events`, keeps until the application takes it
     * @param int   $queuedBytes     what all of them keep together
     * @param int   $unsentBytes     what the relay has not read yet; `send` is refused above a sixteenth of it. As much
     *                               again may wait for room, each publish counted with 500 bytes more
     * @param int   $unanswered      publishes without a Reply
     * @param float $gapJitter       a Gap comes up to this long after the relay receives again
     * @param float $partialGap      DEGRADED and not receiving for this long: a partial Gap
     * @param float $backoffMin      bound of the random delay before the next attempt to connect; it doubles
     * @param float $backoffMax      and is never above this
     * @param float $backoffHopeless the same after an answer that will not change by itself: VERSION, NOT_ALLOWED
     * @param float $goodConnection  a connection of this age makes the backoff begin anew
     * @param float $handshake       for a relay to say Welcome
     * @param float $firstUse        what is asked for before the first attempt to connect has ended waits this long
     * @param float $successor       for the next relay to say Welcome while one is STOPPING, for its fence, and for
     *                               publishes to wait for that
     * @param float $drain           for owed Replies, when a relay is left and when the client is closed
     * @param float $settle          after this long the relay is asked what became of the `send`s
     * @param float $pingOwed        nothing read for this long while something is owed: a Ping
     * @param float $pingIdle        the same while nothing is owed
     * @param float $pingTimeout     no byte for this long after the Ping: the connection is given up
     *
     * @throws \ValueError if one of them is below 0, or not a number
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
