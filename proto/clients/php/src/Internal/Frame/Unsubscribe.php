<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

/**
 * Ends subscriptions.
 *
 * @internal
 */
final class Unsubscribe
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
