<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * Numbers that a relay has sent may be as large as PHP's largest, so sums of them end there.
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
