<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Options;

/**
 * Detects a relay that hangs: it is silent while an answer is outstanding, or for long, and does not answer a Ping
 * then.
 *
 * @internal
 */
final class Watch
{
    public function __construct(private readonly Options $options)
    {
    }

    /** The time when the next step is due: the Ping, or if a Ping is unanswered, the end. */
    public function due(Link $link): float
    {
        if ($link->pingAt !== null) {
            return $link->pingAt + $this->options->pingTimeout;
        }
        $due = $link->lastRead / 1e9 + $this->options->pingIdle;
        if ($link->isOwed()) {
            $due = \min($due, \max($link->lastRead, $link->owedSince) / 1e9 + $this->options->pingOwed);
        }

        return $due;
    }

    /** The longest time between two checks. What becomes outstanding in between is not due before the next check. */
    public function period(): float
    {
        return \min($this->options->pingOwed, $this->options->pingIdle);
    }
}
