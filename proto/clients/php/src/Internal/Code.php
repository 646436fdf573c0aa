<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * The reason why a relay ends a connection.
 *
 * @internal
 */
final class Code
{
    public const UNSPECIFIED = 0;
    public const MALFORMED = 1;
    public const FRAME_TOO_LARGE = 2;
    public const HELLO_EXPECTED = 3;
    public const VERSION = 4;
    public const NOT_ALLOWED = 5;
    public const TOO_MANY = 6;
    public const TIMEOUT = 7;
}
