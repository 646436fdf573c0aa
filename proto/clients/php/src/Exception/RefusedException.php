<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * Redis answered with an error. The channels and patterns are those of a subscription that it refused.
 */
final class RefusedException extends HubrelayException
{
    protected static function defaultOutcome(): int
    {
        return Outcome::REFUSED;
    }
}
