<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * A limit on subscriptions is reached. The request had no effect, and the connection lives on.
 */
final class LimitException extends HubrelayException
{
    protected static function defaultOutcome(): int
    {
        return Outcome::LIMIT;
    }
}
