<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * Encodes frames to bytes: the part of protobuf (proto3) that hubrelay.proto uses, by the tables of Schema.
 *
 * @internal
 */
final class Codec
{
    /** A number as protobuf writes it: 7 bits a byte, the lowest first. */
    public static function varint(int $number): string
    {
        if ($number >= 0x80 && $number < 0x4000) {
            return \chr($number & 0x7F | 0x80) . \chr($number >> 7);
        }
        $bytes = '';
        while ($number > 0x7F || $number < 0) {
            $bytes .= \chr($number & 0x7F | 0x80);
            $number = $number >> 7 & 0x01FFFFFFFFFFFFFF;
        }

        return $bytes . \chr($number);
    }

    /** A field of bytes: tag, length, content. */
    public static function field(int $number, string $content): string
    {
        return self::varint($number << 3 | 2) . self::varint(\strlen($content)) . $content;
    }

    /** A body with its length in front. */
    public static function framed(string $body): string
    {
        return \pack('N', \strlen($body)) . $body;
    }

    /** A frame of either side, with its length in front, as it goes to the socket. */
    public static function encode(object $frame): string
    {
        $number = \array_search($frame::class, Schema::CLIENT_FRAME, true);
        if ($number === false) {
            $number = \array_search($frame::class, Schema::RELAY_FRAME, true);
        }

        return self::framed(self::field((int) $number + 1, self::content($frame)));
    }

    private static function content(object $message): string
    {
        $bytes = '';
        $number = 0;
        foreach (Schema::FIELDS[$message::class] as $name => $type) {
            $number++;
            $value = $message->$name;
            if (\is_array($value)) {
                foreach ($value as $item) {
                    $bytes .= self::field($number, $item);
                }
            } elseif (\is_object($value)) {
                $bytes .= self::field($number, self::content($value));
            } elseif (\is_string($value)) {
                $bytes .= $value === '' ? '' : self::field($number, $value);
            } elseif ($value) {
                $bytes .= self::varint($number << 3) . self::varint((int) $value);
            }
        }

        return $bytes;
    }

    /**
     * A Publish with its length in front. `$channelField` is `field(1, $channel)`, which the caller can keep.
     */
    public static function publish(string $channelField, string $payload, int $id): string
    {
        $size = \strlen($payload);
        $tail = $id === 0 ? '' : ($id < 0x80 ? "\x18" . \chr($id) : "\x18" . self::varint($id));
        $head = $channelField;
        if ($size > 0) {
            $head .= $size < 0x80 ? "\x12" . \chr($size) : "\x12" . self::varint($size);
        }
        $size += \strlen($head) + \strlen($tail);
        $inner = $size < 0x80 ? \chr($size) : self::varint($size);

        return \pack('N', 1 + \strlen($inner) + $size) . "\x12$inner$head$payload$tail";
    }

    /** Whether these bytes are UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF. */
    public static function isUtf8(string $text): bool
    {
        return \preg_match('//u', $text) === 1;
    }
}
