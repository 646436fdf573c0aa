<?php

declare(strict_types=1);

namespace Hubrelay\Testing;

/**
 * Redis's patterns: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and a backslash before any of them. They match bytes.
 *
 * @internal
 */
final class Glob
{
    public static function matches(string $pattern, string $channel): bool
    {
        return \preg_match('/\A' . self::expression($pattern) . '\z/s', $channel) === 1;
    }

    private static function expression(string $pattern): string
    {
        $expression = '';
        $size = \strlen($pattern);
        for ($at = 0; $at < $size; $at++) {
            switch ($pattern[$at]) {
                case '*':
                    $expression .= '.*';
                    break;
                case '?':
                    $expression .= '.';
                    break;
                case '[':
                    $expression .= self::set($pattern, $at);
                    break;
                case '\\':
                    $at += (int) ($at + 1 < $size);
                    $expression .= \preg_quote($pattern[$at], '/');
                    break;
                default:
                    $expression .= \preg_quote($pattern[$at], '/');
            }
        }

        return $expression;
    }

    /** Translates a set that begins with `[` at the position. Afterwards the position is that of its `]`. */
    private static function set(string $pattern, int &$at): string
    {
        $isNegated = ($pattern[$at + 1] ?? '') === '^';
        $members = '';
        for ($at += 1 + (int) $isNegated; isset($pattern[$at]) && $pattern[$at] !== ']'; $at++) {
            if ($pattern[$at] === '\\' && isset($pattern[$at + 1])) {
                $members .= self::byte($pattern[++$at]);
            } elseif (($pattern[$at + 1] ?? '') === '-' && isset($pattern[$at + 2])) {
                $members .= self::byte(\min($pattern[$at], $pattern[$at + 2])) . '-'
                    . self::byte(\max($pattern[$at], $pattern[$at + 2]));
                $at += 2;
            } else {
                $members .= self::byte($pattern[$at]);
            }
        }
        if ($members === '') {
            return $isNegated ? '.' : '(?!)';
        }

        return '[' . ($isNegated ? '^' : '') . $members . ']';
    }

    private static function byte(string $byte): string
    {
        return \sprintf('\x%02x', \ord($byte));
    }
}
