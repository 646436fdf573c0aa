<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * The request itself is wrong: a name has no bytes or too many, or is not UTF-8, a payload is too large, or the relay
 * has no patterns.
 */
final class InvalidException extends HubrelayException
{
    protected static function defaultOutcome(): int
    {
        return Outcome::INVALID;
    }
}
