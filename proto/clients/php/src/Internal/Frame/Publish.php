<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

/**
 * One payload for one channel. With an id it gets one Reply.
 *
 * @internal
 */
final class Publish
{
    public function __construct(
        public readonly string $channel = '',
        public readonly string $payload = '',
        public readonly int $id = 0,
    ) {
    }
}
