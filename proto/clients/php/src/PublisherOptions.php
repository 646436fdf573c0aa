<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The settings of a Publisher. Durations are in seconds, sizes in bytes.
 */
final class PublisherOptions
{
    /**
     * @param float $timeout     for the answer to a publish, connecting included, where the call does not say
     * @param float $handshake   for a relay to say Welcome
     * @param float $pause       after a relay that did not let the publisher in, or was silent until a timeout and for
     *                           at least `handshake`, every call fails at once for this long
     * @param float $drain       for owed answers, when the publisher is closed
     * @param int   $unsentBytes what the relay has not read yet; `send` is refused above a sixteenth of it. As much
     *                           again may wait for room, each publish counted with 500 bytes more
     * @param int   $unanswered  publishes without a Reply
     *
     * @throws \ValueError if one of them is below 0, or not a number
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
