<?php

declare(strict_types=1);

namespace Hubrelay\Testing;

use Hubrelay\Cause;
use Hubrelay\Client;
use Hubrelay\Connector;
use Hubrelay\Internal\Frame\Hello;
use Hubrelay\Internal\Frame\Ping;
use Hubrelay\Internal\Frame\Publish;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Internal\Frame\Subscribe;
use Hubrelay\Internal\Frame\Unsubscribe;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Options;
use Hubrelay\Outcome;
use Hubrelay\Publisher;
use Hubrelay\PublisherOptions;
use Hubrelay\Revoked;
use Hubrelay\State;
use Hubrelay\Status;

/**
 * A relay in memory, for the tests of applications: no files, no Redis, no other process.
 *
 * Its clients are the real ones, and talk to it through pairs of sockets. So an application is tested with the errors,
 * the order and the events of production. The fake relay does its work whenever one of its clients waits.
 */
final class FakeRelay implements Connector
{
    public const MAX_PAYLOAD_BYTES = 1 << 20;

    /** @var list<Message> what clients have published, in order */
    public array $published = [];

    private Status $status;

    /** @var list<FakeConnection> */
    private array $connections = [];

    /** @var array<true> by name */
    private array $refused = [];

    private bool $isAway = false;

    private int $starts = 1;

    /** @var resource|null */
    private $listener = null;

    public function __construct()
    {
        $this->status = self::up(0);
    }

    /** A client of this relay. Without options a Gap comes at once. */
    public function client(string $name = '', Options $options = new Options(gapJitter: 0.0)): Client
    {
        return new Client('fake', $name, $options, connector: $this);
    }

    /** A publisher of this relay. */
    public function publisher(string $name = '', PublisherOptions $options = new PublisherOptions()): Publisher
    {
        return new Publisher('fake', $name, $options, connector: $this);
    }

    // Events that a test can cause

    /** Publishes as another host would. Returns the number of deliveries, which is 0 during an outage. */
    public function publish(string $channel, string $payload): int
    {
        return $this->status->receiving ? $this->deliver($channel, $payload) : 0;
    }

    /** Redis goes away: Status DOWN, publishes are NotConnected, subscriptions PENDING. */
    public function outage(string $reason = 'Redis is away'): void
    {
        $this->tellAll(new Status(State::DOWN, $reason, gaps: $this->status->gaps + 1, cause: Cause::CLOSED));
    }

    /** Redis comes back: Status UP, and a Gap for all listeners. */
    public function recover(): void
    {
        $this->tellAll(self::up($this->status->gaps));
    }

    /** Ends every connection. The clients connect again at once. */
    public function disconnect(): void
    {
        foreach ($this->connections as $connection) {
            $connection->end();
        }
        $this->connections = [];
    }

    /** The relay dies: connections end, and there is no other one until `comeBack`. */
    public function leave(): void
    {
        $this->isAway = true;
        $this->disconnect();
    }

    /** Another relay starts, with another id. */
    public function comeBack(): void
    {
        $this->isAway = false;
        $this->starts++;
    }

    /** Redis refuses these channels and patterns from now on, and what is published to these channels. */
    public function refuse(string ...$names): void
    {
        foreach ($names as $name) {
            $this->refused[$name] = true;
        }
    }

    /** Redis revokes these names, which were granted: clients get Revoked. */
    public function revoke(string ...$names): void
    {
        foreach ($this->connections as $connection) {
            $isHeld = static fn (array $held): array => \array_values(\array_filter(
                $names,
                static fn (string $name): bool => isset($held[$name]),
            ));
            $revoked = new Revoked($isHeld($connection->channels), $isHeld($connection->patterns), 'NOPERM');
            foreach ($names as $name) {
                unset($connection->channels[$name], $connection->patterns[$name]);
            }
            if ($revoked->channels !== [] || $revoked->patterns !== []) {
                $connection->say($revoked);
            }
        }
    }

    /** Sends every client a Loss of that many messages. */
    public function lose(int $messages): void
    {
        foreach ($this->connections as $connection) {
            $connection->say(new Loss(messages: $messages, reason: 'slow reader', cause: Cause::SLOW_READER));
        }
    }

    /**
     * Listens at a path, for clients in other processes. `turn` serves them.
     *
     * @throws \RuntimeException
     */
    public function listen(string $path): void
    {
        $listener = @\stream_socket_server("unix://$path", $code, $reason);
        if ($listener === false) {
            throw new \RuntimeException("$path: $reason");
        }
        \stream_set_blocking($listener, false);
        $this->listener = $listener;
    }

    /** For `listen`: waits until a client has sent something, for at most that many seconds. */
    public function wait(float $seconds): void
    {
        $reads = \array_column($this->connections, 'stream');
        if ($this->listener !== null) {
            $reads[] = $this->listener;
        }
        $writes = $others = null;
        if ($reads !== []) {
            @\stream_select($reads, $writes, $others, (int) $seconds, (int) (($seconds - (int) $seconds) * 1e6));
        }
        $this->turn();
    }

    // The relay

    public function connect(string $path)
    {
        if ($this->isAway) {
            throw new \RuntimeException('the fake relay is away');
        }
        [$ours, $theirs] = \stream_socket_pair(\STREAM_PF_UNIX, \STREAM_SOCK_STREAM, 0);
        $this->connections[] = new FakeConnection($ours);
        \stream_set_blocking($theirs, false);
        \stream_set_read_buffer($theirs, 0);

        return $theirs;
    }

    public function turn(): void
    {
        if ($this->listener !== null && ($stream = @\stream_socket_accept($this->listener, 0)) !== false) {
            $this->connections[] = new FakeConnection($stream);
        }
        foreach ($this->connections as $connection) {
            $connection->flush();
            foreach ($connection->read() as $frame) {
                $this->take($connection, $frame);
            }
        }
        $isOpen = static fn (FakeConnection $connection): bool => !$connection->isEnded;
        $this->connections = \array_values(\array_filter($this->connections, $isOpen));
    }

    private function take(FakeConnection $connection, object $frame): void
    {
        match (true) {
            $frame instanceof Hello => $connection->say(new Welcome(
                1,
                'fake',
                "fake-$this->starts",
                self::MAX_PAYLOAD_BYTES + 4096,
                $this->status,
                self::MAX_PAYLOAD_BYTES,
                ['patterns', 'settled'],
            )),
            $frame instanceof Publish => $this->takePublish($connection, $frame),
            $frame instanceof Subscribe => $this->takeSubscribe($connection, $frame),
            $frame instanceof Unsubscribe => $this->takeUnsubscribe($connection, $frame),
            $frame instanceof Ping => $connection->say(new Reply($frame->id, Outcome::OK)),
        };
    }

    private function takePublish(FakeConnection $connection, Publish $publish): void
    {
        $receivers = 0;
        [$outcome, $cause] = match (true) {
            \str_starts_with($publish->channel, '__hubrelay:') => [Outcome::INVALID, Cause::INVALID],
            !$this->status->publishing => [Outcome::NOT_CONNECTED, Cause::NOT_CONNECTED],
            isset($this->refused[$publish->channel]) => [Outcome::REFUSED, Cause::REFUSED],
            default => [Outcome::OK, Cause::UNSPECIFIED],
        };
        if ($outcome === Outcome::OK) {
            $this->published[] = new Message($publish->channel, $publish->payload);
            $receivers = $this->deliver($publish->channel, $publish->payload);
        }
        if ($publish->id > 0) {
            $connection->say(new Reply($publish->id, $outcome, $receivers));
        } elseif ($outcome !== Outcome::OK) {
            $connection->say(new Loss(publishes: 1, cause: $cause));
        }
    }

    private function takeSubscribe(FakeConnection $connection, Subscribe $subscribe): void
    {
        $isRefused = fn (string $name): bool => isset($this->refused[$name]);
        $channels = \array_values(\array_filter($subscribe->channels, $isRefused));
        $patterns = \array_values(\array_filter($subscribe->patterns, $isRefused));
        if ($channels !== [] || $patterns !== []) {
            $connection->say(new Reply($subscribe->id, Outcome::REFUSED, 0, 'NOPERM', $channels, $patterns));

            return;
        }
        $connection->channels += \array_fill_keys($subscribe->channels, true);
        $connection->patterns += \array_fill_keys($subscribe->patterns, true);
        $connection->say(new Reply($subscribe->id, $this->status->receiving ? Outcome::OK : Outcome::PENDING));
    }

    private function takeUnsubscribe(FakeConnection $connection, Unsubscribe $unsubscribe): void
    {
        $connection->channels = \array_diff_key($connection->channels, \array_flip($unsubscribe->channels));
        $connection->patterns = \array_diff_key($connection->patterns, \array_flip($unsubscribe->patterns));
        $connection->say(new Reply($unsubscribe->id, Outcome::OK));
    }

    private function deliver(string $channel, string $payload): int
    {
        $receivers = 0;
        foreach ($this->connections as $connection) {
            if (isset($connection->channels[$channel])) {
                $connection->say(new Message($channel, $payload));
                $receivers++;
            }
            foreach (\array_keys($connection->patterns) as $pattern) {
                if (Glob::matches((string) $pattern, $channel)) {
                    $connection->say(new Message($channel, $payload, (string) $pattern));
                    $receivers++;
                }
            }
        }

        return $receivers;
    }

    private function tellAll(Status $status): void
    {
        $this->status = $status;
        foreach ($this->connections as $connection) {
            $connection->say($status);
        }
    }

    private static function up(int $gaps): Status
    {
        return new Status(State::UP, publishing: true, receiving: true, gaps: $gaps);
    }
}
