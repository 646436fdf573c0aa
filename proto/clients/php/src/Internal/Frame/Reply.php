<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

use Hubrelay\Outcome;

/**
 * The answer to one request with an id.
 *
 * @internal
 */
final class Reply
{
    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     */
    public function __construct(
        public readonly int $id = 0,
        public readonly int $outcome = Outcome::UNSPECIFIED,
        public readonly int $receivers = 0,
        public readonly string $detail = '',
        public readonly array $channels = [],
        public readonly array $patterns = [],
    ) {
    }
}
