<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

/**
 * Answered by the relay; if settled, once all earlier publishes are answered.
 *
 * @internal
 */
final class Ping
{
    public function __construct(
        public readonly int $id = 0,
        public readonly bool $settled = false,
    ) {
    }
}
