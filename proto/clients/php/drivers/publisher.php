<?php

declare(strict_types=1);

/*
 * The conformance driver of Hubrelay\Publisher.
 */

use Hubrelay\Drivers\Lines;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Future;
use Hubrelay\Publisher;
use Hubrelay\PublisherOptions;

require __DIR__ . '/../autoload.php';
require __DIR__ . '/Lines.php';

final class PublisherDriver
{
    private const OPTIONS = [
        'handshake_ms' => 'handshake', 'drain_ms' => 'drain', 'inflight' => 'unanswered', 'unsent' => 'unsentBytes',
    ];

    private ?Publisher $publisher = null;

    /** @var array<string, Future> by tag */
    private array $futures = [];

    /** @var array<string, true> tags that were cancelled */
    private array $cancelled = [];

    public function run(): never
    {
        stream_set_blocking(STDIN, false);
        stream_set_read_buffer(STDIN, 0);
        Lines::say(
            'driver 1 php hubrelay-publisher cancel inflight-bound unsent-bound',
            ...(function_exists('pcntl_fork') ? ['fork'] : []),
        );
        while (true) {
            Lines::flush();
            $this->turn();
        }
    }

    private function turn(): void
    {
        ['read' => $read, 'write' => $write, 'seconds' => $seconds] =
            $this->publisher?->interest() ?? ['read' => [], 'write' => [], 'seconds' => null];
        $read[] = STDIN;
        $others = null;
        $microseconds = (int) ceil(($seconds ?? 60) * 1e6);
        $count = stream_select($read, $write, $others, intdiv($microseconds, 1_000_000), $microseconds % 1_000_000);
        if ($count && in_array(STDIN, $read, true)) {
            foreach (Lines::read() as $words) {
                $this->take(...$words);
            }
        }
        $this->publisher?->tick();
    }

    /** Starts a command. */
    private function take(string $command, string $tag, string ...$words): void
    {
        match ($command) {
            'open' => $this->open(rawurldecode($tag), ...$words),
            'cancel' => $this->cancel($tag),
            'publish', 'publish-now' => $this->publish($tag, $words, $command === 'publish'),
            'tell' => $this->tell($tag, ...$words),
            'fork' => $this->fork($tag),
            'memory' => Lines::say('done', $tag, 'OK', Lines::memory()),
            'close' => $this->close($tag),
            default => Lines::say('done', $tag, 'OK'),
        };
    }

    private function open(string $path, string $name, string ...$settings): void
    {
        try {
            $options = new PublisherOptions(...Lines::options($settings, self::OPTIONS));
            $this->publisher = new Publisher($path, rawurldecode($name), $options);
        } catch (InvalidException $error) {
            Lines::say('fatal', rawurlencode($error->getMessage()));
        }
    }

    /**
     * @param list<string> $words
     */
    private function publish(string $tag, array $words, bool $wait): void
    {
        $future = $this->publisher->publishAsync(rawurldecode($words[0]), Lines::payload($words[1]), $wait);
        $this->futures[$tag] = $future;
        $future->onSettled(function (?Throwable $error, ?int $receivers) use ($tag): void {
            unset($this->futures[$tag]);
            if ($error === null) {
                Lines::say('done', $tag, 'OK', "receivers=$receivers");
            } elseif (isset($this->cancelled[$tag])) {
                Lines::say('done', $tag, 'CANCELLED');
            } else {
                Lines::failed($tag, $error);
            }
        });
    }

    private function cancel(string $tag): void
    {
        $this->cancelled[$tag] = true;
        ($this->futures[$tag] ?? null)?->cancel();
    }

    private function tell(string $tag, string $channel, string $payload): void
    {
        try {
            $this->publisher->send(rawurldecode($channel), Lines::payload($payload));
            Lines::say('done', $tag, 'SENT');
        } catch (HubrelayException $error) {
            Lines::failed($tag, $error);
        }
    }

    private function fork(string $tag): void
    {
        Lines::flush();
        if (pcntl_fork() === 0) {
            try {
                $this->publisher->publish('forked', 'from the child');
            } catch (HubrelayException $error) {
                Lines::say('log', rawurlencode("the child's publish failed: {$error->getMessage()}"));
                Lines::flush();
            }
            posix_kill(getmypid(), SIGKILL); // without the parent's destructors
        }
        Lines::say('done', $tag, 'OK');
    }

    private function close(string $tag): void
    {
        $this->publisher->close();
        Lines::say('done', $tag, 'OK');
    }
}

(new PublisherDriver())->run();
