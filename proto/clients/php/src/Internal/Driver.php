<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\HubrelayException;
use Hubrelay\Future;

/**
 * The object that reads and writes the sockets on which a Future depends: a Client, or a Publisher.
 *
 * @internal
 */
interface Driver
{
    /** Reads and writes until the future is settled, for at most that many seconds; null: as long as it takes. */
    public function drive(Future $future, ?float $seconds): void;

    /** Calls back in this turn or the next one, but not from inside this call. */
    public function later(\Closure $callback): void;

    /** Nobody waits for this future any more. Returns the error for its caller. */
    public function giveUp(Future $future): HubrelayException;
}
