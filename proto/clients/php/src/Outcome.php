<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * The outcome of a request. A newer relay may send numbers that have no name here.
 */
final class Outcome
{
    public const UNSPECIFIED = 0;
    public const OK = 1;
    /** Subscribe: held, and in force once the relay receives. */
    public const PENDING = 2;
    /** Publish: it was never sent, and is certainly not delivered. */
    public const NOT_CONNECTED = 3;
    /** Publish: the connection or Redis failed before the answer. It is unknown whether it was delivered. */
    public const INTERRUPTED = 4;
    /** Redis answered with an error. */
    public const REFUSED = 5;
    /** The request itself is wrong. */
    public const INVALID = 6;
    /** A limit on subscriptions is reached. */
    public const LIMIT = 7;

    /** The name of a number, for people. */
    public static function name(int $outcome): string
    {
        return Internal\Schema::nameOf(self::class, $outcome);
    }
}
