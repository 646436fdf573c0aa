<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Messages may have been missed before this event: read again what must not be missed, now.
 */
final class Gap implements Event
{
    /**
     * @param list<string> $reasons for people
     * @param bool         $partial a part of the channels is still away; another Gap comes when all are heard again
     */
    public function __construct(
        public readonly array $reasons = [],
        public readonly bool $partial = false,
    ) {
    }
}
