<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Counters;

/**
 * The size of all queues of a client together, in bytes. The counters show it to the application.
 *
 * @internal
 */
final class Budget
{
    public int $bytes = 0;

    public function __construct(public readonly int $limit, public readonly Counters $counters)
    {
    }

    /** Adds to the size; a negative number reduces it. */
    public function add(int $bytes): void
    {
        $this->bytes += $bytes;
        $this->counters->queuedBytes = $this->bytes;
    }
}
