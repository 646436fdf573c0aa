<?php

declare(strict_types=1);

namespace Hubrelay\Drivers;

use Hubrelay\Event;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Gap;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Revoked;
use Hubrelay\Status;

/**
 * The lines that a conformance driver and the runner say to each other.
 */
final class Lines
{
    private const WORDS = [
        'NotConnected' => 'NOT_CONNECTED', 'Interrupted' => 'INTERRUPTED', 'Refused' => 'REFUSED',
        'Invalid' => 'INVALID', 'Limit' => 'LIMIT', 'Congested' => 'CONGESTED', 'Closed' => 'CLOSED',
    ];

    private static string $unread = '';

    private static string $unwritten = '';

    /**
     * The commands that have come, each as its words. Ends the program at the end of the input, and at `quit`.
     *
     * @return list<list<string>>
     */
    public static function read(): array
    {
        $data = \fread(\STDIN, 1 << 18);
        if (($data === '' || $data === false) && \feof(\STDIN)) {
            exit(0);
        }
        $lines = \explode("\n", self::$unread . $data);
        self::$unread = \array_pop($lines);
        $commands = [];
        foreach ($lines as $line) {
            if ($line === 'quit') {
                exit(0);
            }
            $commands[] = \explode(' ', $line);
        }

        return $commands;
    }

    /** One line, with the next `flush`. */
    public static function say(string ...$words): void
    {
        self::$unwritten .= \implode(' ', $words) . "\n";
    }

    public static function flush(): void
    {
        while (self::$unwritten !== '') {
            $count = (int) \fwrite(\STDOUT, self::$unwritten);
            self::$unwritten = \substr(self::$unwritten, $count);
        }
    }

    public static function failed(string $tag, \Throwable $error): void
    {
        $words = [];
        $word = 'ERROR';
        if ($error instanceof HubrelayException) {
            $word = self::WORDS[$error->shortName()] ?? 'ERROR';
            foreach ([...$error->channels, ...$error->patterns] as $name) {
                $words[] = 'name=' . \rawurlencode($name);
            }
        }
        if ($error->getMessage() !== '') {
            $words[] = 'detail=' . \rawurlencode($error->getMessage());
        }
        self::say('done', $tag, $word, ...$words);
    }

    public static function report(Event $event, ?string $handle): void
    {
        $words = match (true) {
            $event instanceof Message => [
                'message', \rawurlencode($event->channel), \base64_encode($event->payload) ?: '-',
                ...($event->pattern === '' ? [] : ['pattern=' . \rawurlencode($event->pattern)]),
            ],
            $event instanceof Status => [
                'status', "state=$event->state", 'publishing=' . (int) $event->publishing,
                'receiving=' . (int) $event->receiving, 'connected=' . (int) $event->connected,
                "gaps=$event->gaps", "cause=$event->cause",
            ],
            $event instanceof Loss => [
                'loss', "publishes=$event->publishes", "messages=$event->messages",
                "unknown=$event->publishesUnknown", "cause=$event->cause", 'local=' . (int) $event->local,
            ],
            $event instanceof Revoked => ['revoked', ...self::quoted($event->channels, $event->patterns)],
            $event instanceof Gap => [
                'gap', 'reasons=' . \rawurlencode(\implode(',', $event->reasons)), 'partial=' . (int) $event->partial,
            ],
        };
        self::say('event', ...$words, ...($handle === null ? [] : ["sub=$handle"]));
    }

    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     * @return list<string>
     */
    private static function quoted(array $channels, array $patterns): array
    {
        return [
            ...\array_map(static fn (string $name): string => 'c:' . \rawurlencode($name), $channels),
            ...\array_map(static fn (string $name): string => 'p:' . \rawurlencode($name), $patterns),
        ];
    }

    public static function payload(string $word): string
    {
        return $word === '-' ? '' : (string) \base64_decode($word, true);
    }

    /**
     * @param list<string> $words
     * @return array{list<string>, list<string>} channels and patterns
     */
    public static function names(array $words): array
    {
        $names = [[], []];
        foreach ($words as $word) {
            $names[(int) ($word[0] === 'p')][] = \rawurldecode(\substr($word, 2));
        }

        return $names;
    }

    /**
     * The settings of `open`, by the names of an options class.
     *
     * @param list<string>          $words
     * @param array<string, string> $names of settings; those that end in _ms are milliseconds
     * @return array<string, int|float>
     */
    public static function options(array $words, array $names): array
    {
        $options = [];
        foreach ($words as $word) {
            [$key, $value] = \explode('=', $word, 2);
            if (isset($names[$key])) {
                $options[$names[$key]] = \str_ends_with($key, '_ms') ? $value / 1000 : (int) $value;
            }
        }

        return $options;
    }

    public static function memory(): string
    {
        $pages = (int) \explode(' ', (string) \file_get_contents('/proc/self/statm'))[1];

        return 'rss=' . $pages * 4096;
    }
}
