<?php

declare(strict_types=1);

/*
 * What every PHP program of the benchmark shares: arguments, the books of a delivery, the line that it prints.
 */

const CHANNEL = 'bench';

/** A delivery asks for so many messages at a time, and so many of these bursts are under way. */
const BURST = 64;
const WINDOW = 4;

// The arguments and the environment are the same for the programs of every language: README.md has them.
define('ADDRESS', $argv[1]);
define('WORKLOAD', $argv[2]);
define('WARMUP', (int) $argv[3]);
define('COUNT', (int) $argv[4]);
define('PAYLOAD', '00000000' . str_repeat('x', 192));

set_error_handler(static function (int $level, string $text): bool {
    if ((error_reporting() & $level) === 0) {
        return false; // by @
    }
    throw new RuntimeException($text);
});
set_exception_handler(static function (Throwable $error): never {
    fwrite(STDERR, get_class($error) . ': ' . $error->getMessage() . "\n");
    exit(1);
});

/** The runner is the one that listens. */
function check_receivers(int $receivers): void
{
    if ($receivers !== 1) {
        throw new RuntimeException("a message has reached $receivers receivers instead of 1");
    }
}

/** A connection that publishes in two steps. */
interface Publisher
{
    /** @return resource what becomes readable when the answer is there */
    public function stream();

    public function begin(): void;

    /** Returns the number of receivers. */
    public function end(): int;
}

/**
 * As many callers as there are connections: a Fiber each, and a loop with stream_select.
 *
 * @param Publisher[] $connections
 */
function publish_by_fibers(int $count, array $connections): void
{
    $fibers = [];
    $waiting = [];
    foreach ($connections as $connection) {
        $fiber = new Fiber(static function () use ($connection, &$count): void {
            while ($count-- > 0) {
                $connection->begin();
                Fiber::suspend();
                check_receivers($connection->end());
            }
        });
        $fiber->start();
        $stream = $connection->stream();
        $fibers[(int) $stream] = $fiber;
        $waiting[(int) $stream] = $stream;
    }
    while ($waiting !== []) {
        $ready = $waiting;
        $none = null;
        stream_select($ready, $none, $none, 30);
        foreach ($ready as $id => $stream) {
            $fibers[$id]->resume();
            if ($fibers[$id]->isTerminated()) {
                unset($waiting[$id]);
            }
        }
    }
}

/**
 * One message after the other by a Redis client, or pipelines of 64, which its method $execute sends.
 */
function publish_in_turn(object $redis, int $count, string $execute): void
{
    if (getenv('PIPELINED') === false) {
        for ($number = 0; $number < $count; $number++) {
            check_receivers($redis->publish(CHANNEL, PAYLOAD));
        }

        return;
    }
    for ($number = 0; $number < $count; $number += BURST) {
        $pipeline = $redis->pipeline();
        for ($index = 0; $index < BURST; $index++) {
            $pipeline->publish(CHANNEL, PAYLOAD);
        }
        array_map('check_receivers', $pipeline->$execute());
    }
}

/** Processor time of this process, and time, from when it was made. */
final class Clock
{
    /** @var array<string, int> */
    private array $usage;

    private float $time;

    public function __construct()
    {
        $this->usage = getrusage();
        $this->time = hrtime(true) / 1e9;
    }

    /** Prints what the runner reads. */
    public function report(string $library): void
    {
        $usage = getrusage();
        $seconds = fn (string $key): float => $usage["ru_$key.tv_sec"] - $this->usage["ru_$key.tv_sec"]
            + ($usage["ru_$key.tv_usec"] - $this->usage["ru_$key.tv_usec"]) / 1e6;
        $line = [
            'library' => $library, 'messages' => COUNT, 'user_s' => $seconds('utime'),
            'system_s' => $seconds('stime'), 'wall_s' => hrtime(true) / 1e9 - $this->time,
        ];
        fwrite(STDOUT, "\n" . json_encode($line) . "\n");
    }
}

/** The messages that have come, and what is asked for. Made once the subscription is in force. */
final class Delivery
{
    private int $taken = 0;

    private ?Clock $clock = null;

    public function __construct(private string $library)
    {
        fwrite(STDOUT, str_repeat('+', WINDOW));
    }

    /** Takes a payload, and returns whether it was the last one. */
    public function take(string $payload): bool
    {
        if ((int) substr($payload, 0, 8) !== $this->taken) {
            throw new RuntimeException("message $this->taken is " . substr($payload, 0, 8));
        }
        $this->taken++;
        if ($this->taken % BURST === 0) {
            if ($this->taken === WARMUP) {
                $this->clock = new Clock();
            } elseif ($this->taken === WARMUP + COUNT) {
                $this->clock->report($this->library);

                return true;
            }
            fwrite(STDOUT, '+');
        }

        return false;
    }
}
