<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Names that are not subscribed to any more: Redis refuses them, or the relay has no room for them. The client does not
 * ask for them again, unless the application does.
 */
final class Revoked implements Event
{
    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     * @param string       $detail   for people: what Redis said
     */
    public function __construct(
        public readonly array $channels = [],
        public readonly array $patterns = [],
        public readonly string $detail = '',
    ) {
    }
}
