<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * It is unknown whether it was delivered: the connection or Redis failed before the answer, or the caller gave up.
 */
final class InterruptedException extends HubrelayException
{
    protected static function defaultOutcome(): int
    {
        return Outcome::INTERRUPTED;
    }
}
