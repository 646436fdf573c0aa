<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\HubrelayException;
use Hubrelay\Future;

/**
 * Who reads and writes the sockets on which a Future depends: a Client, or a Publisher.
 *
 * @internal
 */
interface Driver
{
    /** Reads and writes until the future is settled, for so many seconds at most; null: however long it takes. */
    public function drive(Future $future, ?float $seconds): void;

    /** Calls back in the present turn or the next one, and not from inside this call. */
    public function later(\Closure $callback): void;

    /** Nobody waits for this future any more. Returns what its caller is told. */
    public function giveUp(Future $future): HubrelayException;
}
