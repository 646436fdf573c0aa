<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

/**
 * Asks for the messages of channels and patterns.
 *
 * @internal
 */
final class Subscribe
{
    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     */
    public function __construct(
        public readonly int $id = 0,
        public readonly array $channels = [],
        public readonly array $patterns = [],
    ) {
    }
}
