<?php

declare(strict_types=1);

namespace Hubrelay;

use Hubrelay\Exception\ClosedException;
use Hubrelay\Exception\CongestedException;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Internal\Core;
use Hubrelay\Internal\Driver;
use Hubrelay\Internal\Listener;
use Hubrelay\Internal\Loop;
use Hubrelay\Internal\Names;
use Hubrelay\Internal\Subscribing;
use Hubrelay\Internal\Tracing;
use Hubrelay\Internal\UnixConnector;
use Psr\Log\LoggerInterface;

/**
 * A connection to the relay that reconnects by itself, for long-running processes. It can start without a relay, and
 * connects at its first use.
 *
 * PHP has no threads, so the client reads and writes only while the application lets it: in `run`, in `tick`, and while
 * a call waits. A call that waits also serves the client's sockets. In a Fiber of `spawn` it lets other Fibers run.
 * Each call that waits has a variant `...Async` that returns a Future instead.
 *
 * After a fork this object holds a new client in the child: without subscriptions, and connected at its first use.
 */
final class Client implements Driver
{
    public const DEFAULT_PATH = '/run/hubrelay/hubrelay.sock';

    private Core $core;

    private Loop $loop;

    private EventStream $events;

    private ?Tracing $tracing;

    private int $pid;

    private bool $isStarted = false;

    private readonly Connector $connector;

    /**
     * @param string           $path     the relay's socket
     * @param string           $name     for people, in the relay's log: at most 64 bytes of UTF-8
     * @param ?LoggerInterface $logger   gets one line for each change
     * @param Counters         $counters counts what this client does
     * @throws InvalidException if the name is not valid
     */
    public function __construct(
        public readonly string $path = self::DEFAULT_PATH,
        public readonly string $name = '',
        private readonly Options $options = new Options(),
        private readonly ?LoggerInterface $logger = null,
        public readonly Counters $counters = new Counters(),
        private readonly ?Hooks $hooks = null,
        ?Connector $connector = null,
    ) {
        $this->connector = $connector ?? new UnixConnector();
        $this->setUp();
    }

    private function setUp(): void
    {
        $this->pid = \getmypid();
        $this->core = new Core($this->name, $this->options, $this->counters, $this->logger);
        $onInterest = ($this->loop ?? null)?->onInterest;
        $this->loop = new Loop($this->core, $this->connector, $this->path);
        $this->loop->onInterest = $onInterest;
        $this->tracing = $this->hooks === null ? null : new Tracing($this->hooks, $this->loop->unhandled(...));
        $this->events = new EventStream($this, $this->core->telling->events, $this->core->connections, $this->tracing);
        $this->isStarted = false;
    }

    // Connecting

    /**
     * Begins to connect. The application need not call this: the first use does it.
     *
     * @throws ClosedException
     */
    public function connect(): void
    {
        $this->begin();
        $this->requested();
    }

    /**
     * Waits until a relay has sent its Welcome.
     *
     * @param ?float $timeout in seconds
     * @throws NotConnectedException after the timeout; its message says what is wrong
     * @throws ClosedException
     */
    public function ready(?float $timeout = null): void
    {
        $future = $this->readyAsync();
        $this->drive($future, $timeout);
        if (!$future->isSettled()) {
            $future->fail(new NotConnectedException($this->core->whyNotReady()));
        }
        $future->await();
    }

    /**
     * @return Future<null>
     */
    public function readyAsync(): Future
    {
        return $this->ask(fn (Future $future) => $this->core->ready($future));
    }

    /** The last Status. `connected` is false, and the cause NO_RELAY, while there is no connection to a relay. */
    public function status(): Status
    {
        $this->noticeFork();

        return $this->core->telling->status;
    }

    /**
     * The features of the relay that this client was last connected to: "patterns", ...
     *
     * @return list<string>
     */
    public function features(): array
    {
        return $this->core->connections->features;
    }

    /** Status, Gap, Loss and Revoked, and the messages of `subscribe`. The application need not take them. */
    public function events(): EventStream
    {
        $this->noticeFork();

        return $this->events;
    }

    // Publishing

    /**
     * Publishes, and waits for Redis's answer. While too many publishes are in flight, it first waits for room.
     *
     * @param ?float $timeout in seconds
     * @return int how many subscriptions at Redis received it: those of relays, not those of the workers behind them
     * @throws HubrelayException NotConnectedException, InterruptedException, RefusedException, InvalidException,
     *                           UnknownOutcomeException, ClosedException; CongestedException if too much waits already;
     *                           after the timeout CongestedException if nothing was sent, else InterruptedException
     */
    public function publish(string $channel, string $payload, ?float $timeout = null): int
    {
        $future = $this->publishAsync($channel, $payload);
        $this->loop->drive($future, $timeout);

        return $future->await($timeout === null ? null : 0.0);
    }

    /**
     * Publishes without waiting. All publishes of one turn of the loop go out in one write.
     *
     * @param bool $wait whether it may wait for room; if it may not, or if too much waits already, the future fails
     *                   with CongestedException
     * @return Future<int> its result is what `publish` returns
     */
    public function publishAsync(string $channel, string $payload, bool $wait = true): Future
    {
        $future = new Future($this, $this->tracing?->beforePublish($channel, $payload), $this->counters);
        try {
            if ($this->pid !== \getmypid() || !$this->isStarted || $this->core->connections->isClosing) {
                $this->begin();
            }
            $this->core->publishing->publish($channel, $payload, $future, $wait);
            if ($this->core->connections->isUnread || $this->loop->onInterest !== null) {
                $this->requested();
            }
        } catch (HubrelayException $error) {
            $future->fail($error);
        }

        return $future;
    }

    /**
     * Publishes without an answer, and never waits. If publishes wait for room, it is written after them. A Loss
     * reports what is lost later.
     *
     * @throws HubrelayException NotConnectedException, InvalidException, CongestedException, ClosedException
     */
    public function send(string $channel, string $payload): void
    {
        $settled = $this->tracing?->beforePublish($channel, $payload);
        try {
            $this->begin();
            $this->core->publishing->send($channel, $payload);
            $this->requested();
            $this->loop->flush();
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

    // Listening

    /**
     * Listens to channels. Any number of subscriptions may listen to one channel; the relay gets one request for all.
     *
     * @throws HubrelayException RefusedException, LimitException, InvalidException, UnknownOutcomeException,
     *                           ClosedException: then there is no subscription
     */
    public function listen(string ...$channels): Subscription
    {
        return $this->listenAsync(\array_values($channels))->await();
    }

    /**
     * Listens to patterns, in the syntax of Redis: `room.*`.
     *
     * @throws HubrelayException as `listen`; InvalidException if the relay lacks the feature "patterns"
     */
    public function listenPattern(string ...$patterns): Subscription
    {
        return $this->listenAsync([], \array_values($patterns))->await();
    }

    /**
     * @param array<string|int> $channels
     * @param array<string|int> $patterns
     * @return Future<Subscription>
     */
    public function listenAsync(array $channels, array $patterns = []): Future
    {
        [$channels, $patterns] = [Names::strings($channels), Names::strings($patterns)];
        $this->noticeFork();
        $subscribing = $this->core->subscribing;
        $listener = new Listener($this->core->telling->newQueue());
        $subscription = new Subscription(
            $this,
            $listener,
            $subscribing,
            $this->core->connections,
            $this->tracing,
            $channels,
            $patterns,
        );

        return $this->ask(
            static fn (Future $future) => $subscribing->listen($listener, $channels, $patterns, $future),
            static function (?\Throwable $error, mixed $outcome) use ($subscription): Subscription {
                if ($error !== null) {
                    $subscription->close();
                }

                return $subscription->granted($outcome ?? Outcome::UNSPECIFIED);
            },
        );
    }

    /**
     * Subscribes to names; their messages come in `events`. It is for applications that track subscriptions themselves.
     *
     * @param array<string|int> $channels
     * @param array<string|int> $patterns
     * @return int Outcome::OK, or PENDING: in force once there is a relay that receives
     * @throws HubrelayException RefusedException, LimitException, InvalidException, UnknownOutcomeException,
     *                           ClosedException: then nothing was subscribed to
     */
    public function subscribe(array $channels, array $patterns = []): int
    {
        return $this->subscribeAsync($channels, $patterns)->await();
    }

    /**
     * @param array<string|int> $channels
     * @param array<string|int> $patterns
     * @return Future<int> its result is what `subscribe` returns
     */
    public function subscribeAsync(array $channels, array $patterns = []): Future
    {
        [$channels, $patterns] = [Names::strings($channels), Names::strings($patterns)];

        return $this->ask(fn (Future $future) => $this->core->subscribing->subscribe($channels, $patterns, $future));
    }

    /**
     * Ends what `subscribe` began. After this no message of these names comes in `events`.
     *
     * @param array<string|int> $channels
     * @param array<string|int> $patterns
     * @return int Outcome::OK
     * @throws HubrelayException InvalidException, ClosedException
     */
    public function unsubscribe(array $channels, array $patterns = []): int
    {
        return $this->unsubscribeAsync($channels, $patterns)->await();
    }

    /**
     * @param array<string|int> $channels
     * @param array<string|int> $patterns
     * @return Future<int> its result is what `unsubscribe` returns
     */
    public function unsubscribeAsync(array $channels, array $patterns = []): Future
    {
        [$channels, $patterns] = [Names::strings($channels), Names::strings($patterns)];

        return $this->ask(fn (Future $future) => $this->core->subscribing->unsubscribe($channels, $patterns, $future));
    }

    /**
     * Waits until the relay has answered, which shows that it works.
     *
     * @param bool   $settled true: waits until all that was published before is answered, or reported in a Loss
     * @param ?float $timeout in seconds
     * @throws HubrelayException NotConnectedException; InterruptedException, also after the timeout; InvalidException
     *                           if the relay lacks the feature "settled"; ClosedException
     */
    public function ping(bool $settled = false, ?float $timeout = null): void
    {
        $this->pingAsync($settled)->await($timeout);
    }

    /**
     * @return Future<null>
     */
    public function pingAsync(bool $settled = false): Future
    {
        return $this->ask(fn (Future $future) => $this->core->ping($future, $settled));
    }

    /**
     * Closes the client. It waits for outstanding Replies. Idempotent.
     *
     * @param ?float $drain how many seconds it waits at most; null: as in the options
     * @throws \Throwable as `run`, once the client is closed
     */
    public function close(?float $drain = null): void
    {
        $future = $this->closeAsync($drain);
        $this->loop->drive($future, null, false);
        $this->loop->drain();
    }

    /**
     * @return Future<null>
     */
    public function closeAsync(?float $drain = null): Future
    {
        $this->noticeFork();
        $future = new Future($this);
        $this->core->close($drain, $future);
        $this->loop->changed();

        return $future;
    }

    // The loop

    /**
     * Reads, writes and calls handlers, until `stop` is called, or until the client is closed and there is nothing left
     * to call. If the process forks within it, it continues in the child with the child's own client.
     *
     * @throws \Throwable what a handler, a callback, a hook, or a task of `spawn` that nobody waits for, throws
     */
    public function run(): void
    {
        do {
            $this->noticeFork();
            if (!$this->core->connections->isClosing) {
                $this->begin();
            }
            $loop = $this->loop;
            $loop->run();
        } while ($loop->isForeign() && !$loop->isStopped() && !$this->loop->isStopped());
    }

    /**
     * One turn of the loop: reads, writes and calls handlers.
     *
     * @param float $seconds how long to wait for something to do; 0: it does not wait
     * @throws \Throwable as `run`
     */
    public function tick(float $seconds = 0.0): void
    {
        $this->noticeFork();
        if (!$this->isStarted && !$this->core->connections->isClosing) {
            $this->begin();
        }
        $this->loop->tick($seconds);
    }

    /** Makes `run` return. */
    public function stop(): void
    {
        $this->loop->stop();
    }

    /**
     * Starts a task in a Fiber, at the next turn of the loop. While it waits, other Fibers run.
     *
     * @template T
     * @param callable(): T $task
     * @return Future<T> its result is what the task returns
     */
    public function spawn(callable $task): Future
    {
        $this->noticeFork();

        return $this->loop->spawn($task(...), $this);
    }

    /**
     * For another event loop: what this client waits for now. Call `tick` when one of the streams is ready, or when the
     * time is over. Then ask again.
     *
     * @return array{read: list<resource>, write: list<resource>, seconds: ?float}
     */
    public function interest(): array
    {
        $this->noticeFork();

        return $this->loop->interest();
    }

    /**
     * For another event loop: called when `interest` may have changed outside of `tick`.
     *
     * @param ?callable(): void $callback
     */
    public function onInterest(?callable $callback): void
    {
        $this->loop->onInterest = $callback === null ? null : $callback(...);
    }

    /**
     * @internal
     */
    public function drive(Future $future, ?float $seconds): void
    {
        $this->noticeFork();
        $this->loop->drive($future, $seconds);
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
            : new InterruptedException('no answer in time; whether it has an effect is unknown');
    }

    /**
     * An event was taken.
     *
     * @internal
     */
    public function taken(): void
    {
        if ($this->core->connections->isUnread) {
            $this->requested();
        }
    }

    /**
     * A stream has events for its handler.
     *
     * @internal
     */
    public function isReady(EventStream $stream): void
    {
        $this->loop->isReady($stream);
    }

    /**
     * @internal
     */
    public function closeListener(Listener $listener, Subscribing $subscribing): void
    {
        $this->noticeFork();
        $subscribing->unlisten($listener);
        $this->loop->changed();
        $this->loop->flush();
    }

    /**
     * Makes a request. Its errors fail the future.
     *
     * @param \Closure(Future): mixed $request
     */
    private function ask(\Closure $request, ?\Closure $settling = null): Future
    {
        $future = new Future($this, $settling);
        try {
            $this->begin();
            $request($future);
            $this->requested();
        } catch (HubrelayException $error) {
            $future->fail($error);
        }

        return $future;
    }

    private function requested(): void
    {
        if ($this->core->connections->isUnread) {
            $this->core->connections->considerReading();
        }
        $this->loop->changed();
    }

    private function begin(): void
    {
        $this->noticeFork();
        if ($this->core->connections->isClosing) {
            throw new ClosedException('the client is closed');
        }
        if (!$this->isStarted) {
            $this->isStarted = true;
            $this->core->start();
        }
    }

    /**
     * In the child, the sockets belong to the parent: closes the copies without writing, and starts this client again
     * with new connections.
     *
     * @internal
     */
    public function noticeFork(): void
    {
        if ($this->pid !== \getmypid()) {
            $this->loop->abandon();
            $this->counters->queuedBytes = 0;
            $this->setUp();
        }
    }
}
