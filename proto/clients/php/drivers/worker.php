<?php

declare(strict_types=1);

/*
 * The conformance driver of Hubrelay\Client. It has an event loop of its own, as an application with React or Amp has.
 */

use Hubrelay\Client;
use Hubrelay\Drivers\Lines;
use Hubrelay\Event;
use Hubrelay\EventStream;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Future;
use Hubrelay\Options;
use Hubrelay\Outcome;

require __DIR__ . '/../autoload.php';
require __DIR__ . '/Lines.php';

final class WorkerDriver
{
    private const OPTIONS = [
        'jitter_ms' => 'gapJitter', 'backoff_min_ms' => 'backoffMin', 'backoff_max_ms' => 'backoffMax',
        'backoff_hopeless_ms' => 'backoffHopeless', 'handshake_ms' => 'handshake', 'drain_ms' => 'drain',
        'successor_ms' => 'successor', 'ping_owed_ms' => 'pingOwed', 'ping_idle_ms' => 'pingIdle',
        'ping_timeout_ms' => 'pingTimeout', 'partial_ms' => 'partialGap', 'inflight' => 'unanswered',
        'unsent' => 'unsentBytes', 'events' => 'eventsBytes',
    ];

    private ?Client $client = null;

    /** @var array<string, array{EventStream, Closure(Event): void}> by handle; "" is that of the client */
    private array $streams = [];

    /** @var array<string, Future> by tag */
    private array $futures = [];

    /** @var array<string, true> tags that were cancelled */
    private array $cancelled = [];

    private bool $isHeld = false;

    public function run(): never
    {
        stream_set_blocking(STDIN, false);
        stream_set_read_buffer(STDIN, 0);
        Lines::say(
            'driver 1 php hubrelay-client cancel jitter inflight-bound unsent-bound events-bound',
            'hang-up subscription-end',
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
            $this->client?->interest() ?? ['read' => [], 'write' => [], 'seconds' => null];
        $read[] = STDIN;
        $others = null;
        $microseconds = $seconds === null ? null : (int) ceil($seconds * 1e6);
        $count = stream_select(
            $read,
            $write,
            $others,
            $microseconds === null ? null : intdiv($microseconds, 1_000_000),
            $microseconds === null ? null : $microseconds % 1_000_000,
        );
        if ($count && in_array(STDIN, $read, true)) {
            foreach (Lines::read() as $words) {
                $this->take($words);
            }
        }
        $this->client?->tick();
        foreach ($this->streams as $handle => [$stream]) {
            if ($stream->isEnded()) {
                unset($this->streams[$handle]);
                Lines::say('event end', ...($handle === '' ? [] : ["sub=$handle"]));
            }
        }
    }

    /**
     * Starts a command.
     *
     * @param list<string> $words
     */
    private function take(array $words): void
    {
        $command = array_shift($words);
        if ($command === 'open') {
            $this->open($words);
        } elseif ($command === 'cancel') {
            $this->cancelled[$words[0]] = true;
            ($this->futures[$words[0]] ?? null)?->cancel();
        } else {
            $this->perform($command, ...$words);
        }
    }

    private function perform(string $command, string $tag, string ...$words): void
    {
        $client = $this->client;
        match ($command) {
            'publish', 'publish-now' => $this->answer($tag, $client->publishAsync(
                rawurldecode($words[0]),
                Lines::payload($words[1]),
                $command === 'publish',
            ), static fn (int $receivers): array => ['OK', "receivers=$receivers"]),
            'tell' => $this->tell($tag, rawurldecode($words[0]), Lines::payload($words[1])),
            'subscribe' => $this->answer($tag, $client->subscribeAsync(...Lines::names($words)), self::outcome(...)),
            'unsubscribe' => $this->answer(
                $tag,
                $client->unsubscribeAsync(...Lines::names($words)),
                self::outcome(...),
            ),
            'listen' => $this->listen($tag, array_shift($words), ...Lines::names($words)),
            'unlisten' => $this->unlisten($tag, $words[0]),
            'fork' => $this->fork($tag),
            'ping' => $this->answer($tag, $client->pingAsync(), static fn (): array => ['OK']),
            'hold', 'release' => $this->hold($tag, $command === 'hold'),
            'memory' => Lines::say('done', $tag, 'OK', Lines::memory()),
            'close' => $this->answer($tag, $client->closeAsync(), static fn (): array => ['OK']),
        };
    }

    /**
     * @param list<string> $words
     */
    private function open(array $words): void
    {
        try {
            $options = new Options(...Lines::options(array_slice($words, 2), self::OPTIONS));
            $this->client = new Client(rawurldecode($words[0]), rawurldecode($words[1]), $options);
        } catch (InvalidException $error) {
            Lines::say('fatal', rawurlencode($error->getMessage()));

            return;
        }
        $this->client->connect();
        $this->addStream('', $this->client->events());
    }

    private function addStream(string $handle, EventStream $stream): void
    {
        $handler = static fn (Event $event) => Lines::report($event, $handle === '' ? null : $handle);
        $this->streams[$handle] = [$stream, $handler];
        if (!$this->isHeld) {
            $stream->onEvent($handler);
        }
    }

    private function answer(string $tag, Future $future, Closure $words): void
    {
        $this->futures[$tag] = $future;
        $future->onSettled(function (?Throwable $error, mixed $result) use ($tag, $words): void {
            unset($this->futures[$tag]);
            if ($error === null) {
                Lines::say('done', $tag, ...$words($result));
            } elseif (isset($this->cancelled[$tag])) {
                Lines::say('done', $tag, 'CANCELLED');
            } else {
                Lines::failed($tag, $error);
            }
        });
    }

    /**
     * @return array{string}
     */
    private static function outcome(int $outcome): array
    {
        return [Outcome::name($outcome)];
    }

    private function tell(string $tag, string $channel, string $payload): void
    {
        try {
            $this->client->send($channel, $payload);
            Lines::say('done', $tag, 'SENT');
        } catch (HubrelayException $error) {
            Lines::failed($tag, $error);
        }
    }

    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     */
    private function listen(string $tag, string $handle, array $channels, array $patterns): void
    {
        $future = $this->client->listenAsync($channels, $patterns);
        $this->answer($tag, $future, function ($subscription) use ($handle): array {
            $this->addStream($handle, $subscription);

            return [$subscription->wasPending() ? 'PENDING' : 'OK'];
        });
    }

    private function unlisten(string $tag, string $handle): void
    {
        ($this->streams[$handle][0] ?? null)?->close(); // its end is told in this turn
        Lines::say('done', $tag, 'OK');
    }

    private function hold(string $tag, bool $isHeld): void
    {
        $this->isHeld = $isHeld;
        foreach ($this->streams as [$stream, $handler]) {
            $stream->onEvent($isHeld ? null : $handler);
        }
        Lines::say('done', $tag, 'OK');
    }

    private function fork(string $tag): void
    {
        Lines::flush();
        if (pcntl_fork() === 0) {
            try {
                $this->client->publish('forked', 'from the child');
            } catch (HubrelayException $error) {
                Lines::say('log', rawurlencode("the child's publish failed: {$error->getMessage()}"));
                Lines::flush();
            }
            posix_kill(getmypid(), SIGKILL); // without the parent's destructors
        }
        Lines::say('done', $tag, 'OK');
    }
}

(new WorkerDriver())->run();
