<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

/**
 * The first frame of a connection.
 *
 * @internal
 */
final class Hello
{
    public function __construct(
        public readonly int $version = 0,
        public readonly string $clientName = '',
    ) {
    }
}
