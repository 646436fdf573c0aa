<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * Bytes that are not a frame. The exception's code is the one that a relay would answer.
 *
 * @internal
 */
final class ProtocolException extends \UnexpectedValueException
{
    public static function malformed(string $detail): self
    {
        return new self("malformed: $detail", Code::MALFORMED);
    }
}
