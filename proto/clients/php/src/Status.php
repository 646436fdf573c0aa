<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The state of the path through the relay and Redis.
 */
final class Status implements Event
{
    /**
     * @param int    $state       one of State
     * @param string $reason      for people
     * @param int    $sinceUnixMs the time from which on the state has been as it is, in milliseconds since 1970
     * @param int    $outages     how often the state has left UP since the relay started
     * @param int    $downMs      when the state becomes UP: for how many milliseconds it was not UP
     * @param bool   $publishing  whether what is published now reaches Redis
     * @param bool   $receiving   whether messages of all subscriptions come in
     * @param int    $gaps        breaks in receiving since the relay started
     * @param int    $cause       one of Cause
     * @param bool   $connected   false while there is no connection to a relay; then the cause is NO_RELAY
     */
    public function __construct(
        public readonly int $state = State::UNSPECIFIED,
        public readonly string $reason = '',
        public readonly int $sinceUnixMs = 0,
        public readonly int $outages = 0,
        public readonly int $downMs = 0,
        public readonly bool $publishing = false,
        public readonly bool $receiving = false,
        public readonly int $gaps = 0,
        public readonly int $cause = Cause::UNSPECIFIED,
        public readonly bool $connected = true,
    ) {
    }

    /** The Status while there is no connection to a relay. */
    public static function noRelay(string $why): self
    {
        return new self(
            State::DOWN,
            $why,
            (int) (\microtime(true) * 1000),
            cause: Cause::NO_RELAY,
            connected: false,
        );
    }
}
