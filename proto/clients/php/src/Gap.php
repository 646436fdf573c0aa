<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Messages may have been missed before this event: now read again the data that must not be missed.
 */
final class Gap implements Event
{
    /**
     * @param list<string> $reasons for people
     * @param bool         $partial true while a part of the channels is unavailable; another Gap follows when
     *                              all are back
     */
    public function __construct(
        public readonly array $reasons = [],
        public readonly bool $partial = false,
    ) {
    }
}
