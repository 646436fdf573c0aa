<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * Certainly not delivered: there is no connection to a relay, or the relay has no connection to Redis.
 */
final class NotConnectedException extends HubrelayException
{
    protected static function defaultOutcome(): int
    {
        return Outcome::NOT_CONNECTED;
    }
}
