<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The exact counts of what was lost, at this place in the order of events.
 */
final class Loss implements Event
{
    /**
     * @param int    $publishes        sends that were certainly not delivered
     * @param int    $messages         messages for this client that were dropped
     * @param string $reason           for people
     * @param int    $publishesUnknown sends that may have been delivered
     * @param int    $cause            one of Cause
     * @param bool   $local            true if this client counted it, false if the relay did
     */
    public function __construct(
        public readonly int $publishes = 0,
        public readonly int $messages = 0,
        public readonly string $reason = '',
        public readonly int $publishesUnknown = 0,
        public readonly int $cause = Cause::UNSPECIFIED,
        public readonly bool $local = false,
    ) {
    }

    /**
     * The sum of this Loss and a later one of the same cause.
     *
     * @internal
     */
    public function plus(self $later): self
    {
        return new self(
            Internal\Count::sum($this->publishes, $later->publishes),
            Internal\Count::sum($this->messages, $later->messages),
            $this->reason,
            Internal\Count::sum($this->publishesUnknown, $later->publishesUnknown),
            $this->cause,
            $this->local,
        );
    }
}
