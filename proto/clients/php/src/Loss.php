<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * What was lost, exactly, at this place in the order of events.
 */
final class Loss implements Event
{
    /**
     * @param int    $publishes        sends that were certainly not delivered
     * @param int    $messages         messages for this client that were dropped
     * @param string $reason           for people
     * @param int    $publishesUnknown sends that may have been delivered
     * @param int    $cause            one of Cause
     * @param bool   $local            true: counted by this client; false: by the relay
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
     * This and a later Loss of the same cause as one.
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
