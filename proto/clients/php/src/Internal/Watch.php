<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Options;

/**
 * Finds a relay that hangs: it is silent while something is owed, or for long, and then does not answer a Ping.
 *
 * @internal
 */
final class Watch
{
    public function __construct(private readonly Options $options)
    {
    }

    /** When the next step is due: the Ping, or once that is unanswered, the end. */
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

    /** How often to look, at least: what becomes owed meanwhile is not due before the next look. */
    public function period(): float
    {
        return \min($this->options->pingOwed, $this->options->pingIdle);
    }
}
