<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * The clock of all timers. It does not change when somebody sets the date.
 *
 * @internal
 */
final class Clock
{
    /** Seconds since an arbitrary moment. */
    public static function now(): float
    {
        return \hrtime(true) / 1e9;
    }

    /**
     * A random number between 0 and a bound. It comes from the system, so that processes do not get the same numbers.
     */
    public static function random(float $bound): float
    {
        return $bound * \random_int(0, 1 << 30) / (1 << 30);
    }
}
