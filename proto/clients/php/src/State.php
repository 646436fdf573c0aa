<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The state of the whole path through Redis and back. A number without a name here is not UP.
 */
final class State
{
    public const UNSPECIFIED = 0;
    /** What is published reaches Redis, and messages of all subscriptions come in. */
    public const UP = 1;
    /** Only one of the two directions works, or on a cluster perhaps only a part of the channels. */
    public const DEGRADED = 2;
    /** Neither direction works. */
    public const DOWN = 3;
    /** The relay is shutting down. The client moves to the next one by itself. */
    public const STOPPING = 4;

    /** The name of a number, for people. */
    public static function name(int $state): string
    {
        return Internal\Schema::nameOf(self::class, $state);
    }
}
