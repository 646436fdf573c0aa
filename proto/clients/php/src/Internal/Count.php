<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * Adds numbers that a relay has sent. They may be as large as PHP's largest, and so sums stop there.
 *
 * @internal
 */
final class Count
{
    public static function sum(int $one, int $other): int
    {
        $sum = $one + $other;

        return \is_int($sum) ? $sum : \PHP_INT_MAX;
    }
}
