<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * A limit on subscriptions is reached. The request had no effect, and the connection stays open.
 */
final class LimitException extends HubrelayException
{
    protected static function defaultOutcome(): int
    {
        return Outcome::LIMIT;
    }
}
