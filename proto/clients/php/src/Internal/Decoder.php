<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Status;

/**
 * Decodes bytes to frames, by the tables of Schema.
 *
 * Link itself reads the usual Messages and Replies, which are frequent. This class reads all others.
 *
 * @internal
 */
final class Decoder
{
    /**
     * The frame in a body, or null if its kind is not known here.
     *
     * @param list<class-string> $kinds Schema::RELAY_FRAME or Schema::CLIENT_FRAME
     * @throws ProtocolException if the body is malformed
     */
    public static function decode(string $body, array $kinds = Schema::RELAY_FRAME): ?object
    {
        $frame = null;
        $kind = 0;
        $content = '';
        foreach (self::fields($body) as [$number, $value]) {
            if (!isset($kinds[$number - 1]) || !\is_string($value)) {
                continue;
            }
            // If there are several kinds, the last one counts. A kind that comes twice in a row is merged: reading both
            // contents as one does that. Kinds that do not count must be well-formed, too.
            $content = $number === $kind ? $content . $value : $value;
            $kind = $number;
            $frame = self::read($kinds[$number - 1], $content);
        }

        return $frame;
    }

    /**
     * Number and value of each field. Fields of fixed width are left out, since the schema does not use them.
     *
     * @return list<array{int, int|string}>
     */
    private static function fields(string $data): array
    {
        $found = [];
        $position = 0;
        $end = \strlen($data);
        while ($position < $end) {
            $tag = self::readVarint($data, $position);
            $number = $tag >> 3;
            if ($number < 1 || $number >= 1 << 29) {
                throw ProtocolException::malformed("field number $number");
            }
            $value = null;
            switch ($tag & 7) {
                case 0:
                    $found[] = [$number, self::readVarint($data, $position)];
                    continue 2;
                case 2:
                    $size = self::readVarint($data, $position);
                    break;
                case 1:
                    $size = 8;
                    break;
                case 5:
                    $size = 4;
                    break;
                default:
                    throw ProtocolException::malformed('wire type ' . ($tag & 7));
            }
            if ($size < 0 || $size > $end - $position) {
                throw ProtocolException::malformed("field $number ends beyond its message");
            }
            if (($tag & 7) === 2) {
                $found[] = [$number, \substr($data, $position, $size)];
            }
            $position += $size;
        }

        return $found;
    }

    /** Reads a number of 64 bits. The highest bit becomes PHP's sign. */
    private static function readVarint(string $data, int &$position): int
    {
        $number = 0;
        for ($shift = 0; $shift < 70; $shift += 7) {
            if (!isset($data[$position])) {
                throw ProtocolException::malformed('a number ends beyond its message');
            }
            $byte = \ord($data[$position++]);
            $number |= ($byte & 0x7F) << $shift;
            if ($byte < 0x80) {
                return $number;
            }
        }
        throw ProtocolException::malformed('a number of more than ten bytes');
    }

    /**
     * @param class-string $class
     */
    private static function read(string $class, string $data): object
    {
        $names = \array_keys(Schema::FIELDS[$class]);
        $types = \array_values(Schema::FIELDS[$class]);
        $values = [];
        $status = '';
        foreach (self::fields($data) as [$number, $value]) {
            $type = $types[$number - 1] ?? null;
            $isNumber = \in_array($type, [Schema::UINT64, Schema::UINT32, Schema::BOOL, Schema::ENUM], true);
            if ($type === null || \is_int($value) !== $isNumber) {
                continue;
            }
            $name = $names[$number - 1];
            if ($type === Schema::STRINGS) {
                $values[$name][] = self::checkedText($value);
            } elseif ($type === Status::class) {
                self::read(Status::class, $value);
                $status .= $value; // one that comes twice is merged
                $values[$name] = self::read(Status::class, $status);
            } else {
                $values[$name] = \is_int($value) ? self::number($type, $value)
                    : ($type === Schema::BYTES ? $value : self::checkedText($value));
            }
        }

        return new $class(...$values);
    }

    private static function number(string $type, int $value): int|bool
    {
        return match ($type) {
            Schema::UINT64 => $value < 0 ? \PHP_INT_MAX : $value,
            Schema::UINT32 => $value & 0xFFFFFFFF,
            Schema::ENUM => ($value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000,
            default => $value !== 0,
        };
    }

    private static function checkedText(string $text): string
    {
        if (!Codec::isUtf8($text)) {
            throw ProtocolException::malformed('a string that is not UTF-8');
        }

        return $text;
    }
}
