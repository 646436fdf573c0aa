<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Counters;

/**
 * What all queues of a client hold together, in bytes. The counters show it to the application.
 *
 * @internal
 */
final class Budget
{
    public int $bytes = 0;

    public function __construct(public readonly int $limit, public readonly Counters $counters)
    {
    }

    /** They hold so much more, or less. */
    public function add(int $bytes): void
    {
        $this->bytes += $bytes;
        $this->counters->queuedBytes = $this->bytes;
    }
}
