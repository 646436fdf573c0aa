<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * The request itself is wrong: a name of no or too many bytes, a payload too large, patterns where there are none.
 */
final class InvalidException extends HubrelayException
{
    protected static function defaultOutcome(): int
    {
        return Outcome::INVALID;
    }
}
