<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Options;

/**
 * The random delay before the next attempt to connect: full jitter, up to a bound that doubles.
 *
 * @internal
 */
final class Backoff
{
    private float $bound;

    private float $hopelessBound = 1.0;

    public function __construct(private readonly Options $options)
    {
        $this->bound = $options->backoffMin;
    }

    /**
     * The delay in seconds.
     *
     * @param bool $isHopeless the last answer will not change by itself: the bound is long, and the delay at least half
     *                         of it
     */
    public function next(bool $isHopeless = false): float
    {
        if ($isHopeless) {
            $bound = \min($this->hopelessBound, $this->options->backoffHopeless);
            $this->hopelessBound = 2 * $bound;

            return $bound / 2 + Clock::random($bound / 2);
        }
        $this->hopelessBound = 1.0;
        $bound = $this->bound;
        $this->bound = \min(2 * $bound, $this->options->backoffMax);

        return Clock::random($bound);
    }

    /** A connection has ended that lasted that many seconds. */
    public function ended(float $seconds): void
    {
        if ($seconds >= $this->options->goodConnection) {
            $this->bound = $this->options->backoffMin;
        }
    }
}
