<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The settings of a Publisher. Durations are in seconds, sizes in bytes.
 */
final class PublisherOptions
{
    /**
     * @param float $timeout     time for the answer to a publish, including the time to connect, if the call sets none
     * @param float $handshake   time for a relay to send its Welcome
     * @param float $pause       every call fails at once for this long, after a relay that did not let the publisher
     *                           in, or that was silent until a timeout and for at least `handshake`
     * @param float $drain       time for outstanding answers, when the publisher is closed
     * @param int   $unsentBytes bytes that the relay has not read yet; `send` is refused above a sixteenth of it. The
     *                           same amount may wait for room, where each publish counts 500 bytes more
     * @param int   $unanswered  publishes without a Reply
     *
     * @throws \ValueError if one of them is below 0 or not a number
     */
    public function __construct(
        public readonly float $timeout = 2.0,
        public readonly float $handshake = 1.0,
        public readonly float $pause = 1.0,
        public readonly float $drain = 1.0,
        public readonly int $unsentBytes = 16 << 20,
        public readonly int $unanswered = 10_000,
    ) {
        foreach (\get_object_vars($this) as $name => $value) {
            if (!($value >= 0)) {
                throw new \ValueError("the option $name must not be below 0");
            }
        }
    }
}
