<?php

declare(strict_types=1);

namespace Hubrelay;

use Hubrelay\Exception\ClosedException;
use Hubrelay\Exception\CongestedException;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Internal\Driver;
use Hubrelay\Internal\Loop;
use Hubrelay\Internal\PublisherCore;
use Hubrelay\Internal\Tracing;
use Hubrelay\Internal\UnixConnector;
use Hubrelay\Internal\WeakDriver;

/**
 * Publishes from programs that run for one request, as under PHP-FPM. It connects at the first publish, and is closed
 * at the end of the request. Every wait is bounded. It receives no messages; a Client does.
 *
 * Without a relay each publish fails at once, and the next one tries to connect again. After a fork the child makes its
 * own connection.
 */
final class Publisher implements Driver
{
    private PublisherCore $core;

    private Loop $loop;

    private ?Tracing $tracing;

    private int $pid;

    /** The driver of the futures. It is weak, so that they do not keep this publisher from its destructor. */
    private readonly WeakDriver $driver;

    private readonly Connector $connector;

    /**
     * @param string   $path     the relay's socket
     * @param string   $name     for people, in the relay's log: at most 64 bytes of UTF-8
     * @param Counters $counters counts what this publisher does
     * @throws InvalidException if the name is not valid
     */
    public function __construct(
        public readonly string $path = Client::DEFAULT_PATH,
        public readonly string $name = '',
        private readonly PublisherOptions $options = new PublisherOptions(),
        public readonly Counters $counters = new Counters(),
        private readonly ?Hooks $hooks = null,
        ?Connector $connector = null,
    ) {
        $this->connector = $connector ?? new UnixConnector();
        $this->driver = new WeakDriver($this);
        $this->setUp();
    }

    private function setUp(): void
    {
        $this->pid = \getmypid();
        $this->core = new PublisherCore($this->name, $this->options, $this->counters);
        $this->loop = new Loop($this->core, $this->connector, $this->path);
        $this->tracing = $this->hooks === null ? null : new Tracing($this->hooks, $this->loop->unhandled(...));
    }

    public function __destruct()
    {
        if ($this->pid === \getmypid()) {
            $this->close();
        }
    }

    /**
     * Publishes, and waits for Redis's answer.
     *
     * @param ?float $timeout in seconds; null: as in the options
     * @return int how many subscriptions at Redis received it: those of relays, not those of the workers behind them
     * @throws HubrelayException NotConnectedException, InterruptedException, RefusedException, InvalidException,
     *                           UnknownOutcomeException, ClosedException; CongestedException if too much waits already;
     *                           after the timeout CongestedException if nothing was sent, else InterruptedException
     */
    public function publish(string $channel, string $payload, ?float $timeout = null): int
    {
        return $this->publishAsync($channel, $payload)->await($timeout);
    }

    /**
     * Publishes without waiting: several publishes that are awaited later take one round trip. It is written when a
     * future is awaited, and by `close`.
     *
     * @param bool $wait whether it may wait for room; if it may not, or if too much waits already, the future fails
     *                   with CongestedException
     * @return Future<int> its result is what `publish` returns
     */
    public function publishAsync(string $channel, string $payload, bool $wait = true): Future
    {
        $future = new Future($this->driver, $this->tracing?->beforePublish($channel, $payload), $this->counters);
        try {
            $this->begin();
            $this->core->publishing->publish($channel, $payload, $future, $wait);
        } catch (HubrelayException $error) {
            $future->fail($error);
        }

        return $future;
    }

    /**
     * Publishes without an answer. What is lost later is counted in `counters`. It is written when a future is awaited,
     * and by `close`.
     *
     * @throws HubrelayException NotConnectedException, InvalidException, CongestedException, ClosedException
     */
    public function send(string $channel, string $payload): void
    {
        $settled = $this->tracing?->beforePublish($channel, $payload);
        try {
            $this->begin();
            $this->core->publishing->send($channel, $payload);
        } catch (HubrelayException $error) {
            $this->counters->fail($error);
            if ($settled !== null) {
                $settled($error, null);
            }
            throw $error;
        }
        if ($settled !== null) {
            $settled(null, null);
        }
    }

    /**
     * Closes the publisher, as its destructor does. It waits for outstanding answers. Idempotent.
     *
     * @param ?float $drain how many seconds it waits at most; null: as in the options
     * @throws \Throwable what a callback or a hook throws, once the publisher is closed
     */
    public function close(?float $drain = null): void
    {
        $this->noticeFork();
        $future = new Future($this->driver);
        $this->core->close($drain ?? $this->options->drain, $future);
        $this->loop->drive($future, null, false);
        $this->loop->drain();
    }

    /**
     * For another event loop, as Client::interest.
     *
     * @return array{read: list<resource>, write: list<resource>, seconds: ?float}
     */
    public function interest(): array
    {
        $this->noticeFork();

        return $this->loop->interest();
    }

    /** Reads and writes as far as possible without waiting, and runs callbacks. */
    public function tick(): void
    {
        $this->noticeFork();
        $this->loop->tick(0.0);
    }

    /**
     * @internal
     */
    public function drive(Future $future, ?float $seconds): void
    {
        $this->noticeFork();
        $this->loop->drive($future, $seconds ?? $this->options->timeout);
        if (!$future->isSettled) {
            $future->cancel();
            $this->core->timedOut();
            $this->loop->flush();
        }
    }

    /**
     * @internal
     */
    public function later(\Closure $callback): void
    {
        $this->loop->later($callback);
    }

    /**
     * @internal
     */
    public function giveUp(Future $future): HubrelayException
    {
        return $this->core->publishing->giveUp($future)
            ? new CongestedException('nothing was sent in time')
            : new InterruptedException('no answer in time; it may be delivered');
    }

    private function begin(): void
    {
        $this->noticeFork();
        if ($this->core->isClosing()) {
            throw new ClosedException('the publisher is closed');
        }
        if ($this->core->isIdle()) {
            $this->loop->poll(); // the relay may have closed the connection meanwhile
        }
        $this->core->connect();
        $this->loop->flush();
    }

    /** In the child, the socket belongs to the parent: closes the copy without writing, and sets up a new core. */
    private function noticeFork(): void
    {
        if ($this->pid !== \getmypid()) {
            $this->loop->abandon();
            $this->setUp();
        }
    }
}
