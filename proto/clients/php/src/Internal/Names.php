<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\InvalidException;

/**
 * All names that anybody wants, or that have an unanswered request.
 *
 * @internal
 */
final class Names
{
    public const MAX_NAME_BYTES = 512;
    public const MAX_CLIENT_NAME_BYTES = 64;

    /** @var array<Name> by their text */
    public array $channels = [];

    /** @var array<Name> by their text */
    public array $patterns = [];

    /**
     * @throws InvalidException since the relay would not take it, and would end the connection if it is not UTF-8
     */
    public static function check(string $name, string $what = 'channel'): void
    {
        $size = \strlen($name);
        if ($size === 0 || $size > self::MAX_NAME_BYTES) {
            throw new InvalidException("the $what has $size bytes; 1 to " . self::MAX_NAME_BYTES . ' are allowed');
        }
        if (!Codec::isUtf8($name)) {
            throw new InvalidException("the $what is not UTF-8");
        }
    }

    /**
     * @throws InvalidException since a relay would end the connection, again and again
     */
    public static function checkClientName(string $name): void
    {
        $size = \strlen($name);
        if ($size > self::MAX_CLIENT_NAME_BYTES) {
            throw new InvalidException(
                "the client's name has $size bytes; " . self::MAX_CLIENT_NAME_BYTES . ' are allowed',
            );
        }
        if (!Codec::isUtf8($name)) {
            throw new InvalidException("the client's name is not UTF-8");
        }
    }

    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     * @throws InvalidException
     */
    public static function checkAll(array $channels, array $patterns): void
    {
        if ($channels === [] && $patterns === []) {
            throw new InvalidException('no channel and no pattern is named');
        }
        foreach ($channels as $channel) {
            self::check($channel);
        }
        foreach ($patterns as $pattern) {
            self::check($pattern, 'pattern');
        }
    }

    /**
     * Names in the form in which an application gives them: PHP turns an array's key "7" into an int.
     *
     * @param array<string|int> $names
     * @return list<string>
     */
    public static function strings(array $names): array
    {
        return \array_map(static fn (string|int $name): string => (string) $name, \array_values($names));
    }

    /**
     * The entries of these names, each once. Nothing is added if one of them is wrong.
     *
     * @param list<string> $channels
     * @param list<string> $patterns
     * @return list<Name>
     * @throws InvalidException
     */
    public function checked(array $channels, array $patterns): array
    {
        self::checkAll($channels, $patterns);
        $found = [];
        foreach ($channels as $channel) {
            $name = $this->channels[$channel] ??= new Name($channel, false);
            $found[\spl_object_id($name)] = $name;
        }
        foreach ($patterns as $pattern) {
            $name = $this->patterns[$pattern] ??= new Name($pattern, true);
            $found[\spl_object_id($name)] = $name;
        }

        return \array_values($found);
    }

    /**
     * @return list<Name>
     */
    public function all(): array
    {
        return [...\array_values($this->channels), ...\array_values($this->patterns)];
    }

    /** Whether the application receives messages of any name. */
    public function holdsAny(): bool
    {
        foreach ([$this->channels, $this->patterns] as $names) {
            foreach ($names as $name) {
                if ($name->queues !== []) {
                    return true;
                }
            }
        }

        return false;
    }

    /**
     * The entries of those names that have one.
     *
     * @param list<string> $channels
     * @param list<string> $patterns
     * @return list<Name>
     */
    public function find(array $channels, array $patterns): array
    {
        $found = [];
        foreach ($channels as $channel) {
            if (isset($this->channels[$channel])) {
                $found[] = $this->channels[$channel];
            }
        }
        foreach ($patterns as $pattern) {
            if (isset($this->patterns[$pattern])) {
                $found[] = $this->patterns[$pattern];
            }
        }

        return $found;
    }

    /**
     * Drops the entries of those names that are not needed any more.
     *
     * @param list<Name> $names
     */
    public function forget(array $names): void
    {
        foreach ($names as $name) {
            if (!$name->isForgotten()) {
                continue;
            }
            if ($name->isPattern && ($this->patterns[$name->text] ?? null) === $name) {
                unset($this->patterns[$name->text]);
            } elseif (!$name->isPattern && ($this->channels[$name->text] ?? null) === $name) {
                unset($this->channels[$name->text]);
            }
        }
    }

    /**
     * Channels and patterns, as two lists.
     *
     * @param list<Name> $names
     * @return array{list<string>, list<string>}
     */
    public static function texts(array $names): array
    {
        $texts = [[], []];
        foreach ($names as $name) {
            $texts[(int) $name->isPattern][] = $name->text;
        }

        return $texts;
    }

    /**
     * The names in portions, each of which fits into a Subscribe or Unsubscribe.
     *
     * @param list<Name> $names
     * @return list<list<Name>>
     */
    public static function inFrames(array $names, int $maxFrameBytes): array
    {
        $room = $maxFrameBytes - 32; // the frame's tag and length, and the id
        $portions = [];
        $portion = [];
        $size = 0;
        foreach ($names as $name) {
            if ($portion !== [] && $size + \strlen($name->field) > $room) {
                $portions[] = $portion;
                $portion = [];
                $size = 0;
            }
            $portion[] = $name;
            $size += \strlen($name->field);
        }
        if ($portion !== []) {
            $portions[] = $portion;
        }

        return $portions;
    }
}
