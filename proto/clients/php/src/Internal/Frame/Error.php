<?php

declare(strict_types=1);

namespace Hubrelay\Internal\Frame;

use Hubrelay\Internal\Code;

/**
 * The last frame of a connection.
 *
 * @internal
 */
final class Error
{
    public function __construct(
        public readonly int $code = Code::UNSPECIFIED,
        public readonly string $detail = '',
    ) {
    }
}
