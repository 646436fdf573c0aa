<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

use Hubrelay\Status;

/**
 * The answer to Hello.
 *
 * @internal
 */
final class Welcome
{
    /**
     * @param list<string> $features
     */
    public function __construct(
        public readonly int $version = 0,
        public readonly string $relayVersion = '',
        public readonly string $relayId = '',
        public readonly int $maxFrameBytes = 0,
        public readonly ?Status $status = null,
        public readonly int $maxPayloadBytes = 0,
        public readonly array $features = [],
    ) {
    }
}
