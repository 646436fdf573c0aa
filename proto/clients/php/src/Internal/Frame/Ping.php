<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

/**
 * A request that the relay just answers. If settled, it answers once all earlier publishes are answered.
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
