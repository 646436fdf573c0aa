<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The cause of a Status or of a Loss. A newer relay may send numbers that have no name here.
 */
final class Cause
{
    public const UNSPECIFIED = 0;
    public const SLOW_READER = 1;
    public const TOO_LARGE = 2;
    public const BAD_NAME = 3;
    public const NOT_CONNECTED = 4;
    public const REFUSED = 5;
    public const INVALID = 6;
    public const STARTING = 16;
    public const STOPPING = 17;
    public const UNREACHABLE = 18;
    public const CLOSED = 19;
    public const TIMEOUT = 20;
    public const AUTH = 21;
    public const TLS = 22;
    public const BUSY = 23;
    public const DEMOTED = 24;
    public const PROBE = 25;
    public const PROTOCOL = 26;
    public const TOPOLOGY = 27;
    /** Set by the client itself: there is no connection to a relay. */
    public const NO_RELAY = 28;

    /** The name of a number, for people. */
    public static function name(int $cause): string
    {
        return Internal\Schema::nameOf(self::class, $cause);
    }
}
