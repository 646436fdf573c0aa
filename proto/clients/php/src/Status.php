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
     * @param int    $sinceUnixMs since when, in milliseconds since 1970
     * @param int    $outages     departures from UP since the relay started
     * @param int    $downMs      on the way to UP: for how many milliseconds it was not UP
     * @param bool   $publishing  what is published now reaches Redis
     * @param bool   $receiving   all that is subscribed to is heard
     * @param int    $gaps        breaks in receiving since the relay started
     * @param int    $cause       one of Cause
     * @param bool   $connected   false while there is no connection to a relay; the cause is NO_RELAY then
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
