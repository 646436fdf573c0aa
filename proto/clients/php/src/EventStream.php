<?php

declare(strict_types=1);

namespace Hubrelay;

use Hubrelay\Internal\Connections;
use Hubrelay\Internal\EventQueue;
use Hubrelay\Internal\Loop;
use Hubrelay\Internal\Tracing;

/**
 * Events in their order. A handler gets them, or the application takes them one by one. The stream ends when the client
 * or the subscription is closed.
 *
 * @implements \IteratorAggregate<int, Event>
 */
class EventStream implements \IteratorAggregate
{
    /** How many events a handler gets before other handlers have their turn. */
    private const SLICE = 64;

    /** @var ?\Closure(Event): void */
    private ?\Closure $handler = null;

    /** @var list<Future> calls that wait for an event */
    private array $waiting = [];

    private bool $isDispatching = false;

    private ?Message $delivered = null;

    /**
     * @internal
     */
    public function __construct(
        protected readonly Client $client,
        private readonly EventQueue $queue,
        private readonly Connections $connections,
        private readonly ?Tracing $tracing,
    ) {
        $stream = \WeakReference::create($this); // the queue keeps the stream only while it has a handler
        $queue->onReady = static fn () => $stream->get()?->isReady();
    }

    /**
     * Calls the handler with each event, from Client::run and Client::tick, with some of the events in each turn. While
     * a handler waits (for a publish, for example), no other handler is called. `run` or `tick` throws the handler's
     * exceptions.
     *
     * @param ?callable(Event): void $handler null: events wait again until they are taken
     */
    public function onEvent(?callable $handler): static
    {
        $this->handler = $handler === null ? null : $handler(...);
        $this->queue->keptStream = $handler === null ? null : $this;
        $this->isReady();

        return $this;
    }

    /**
     * Waits for the next event, as Future::await does.
     *
     * @param ?float $timeout in seconds; 0: it only takes an event that is there
     * @return ?Event null after the timeout, or at the end
     */
    public function next(?float $timeout = null): ?Event
    {
        if ($this->delivered !== null) {
            $this->afterDelivery();
        }
        $this->client->noticeFork();
        $event = $this->take() ?? $this->wait($timeout);
        if ($this->waiting !== [] && !$this->queue->isEmpty()) {
            $this->isReady();
        }

        return $event;
    }

    private function take(): ?Event
    {
        $event = $this->queue->take();
        if ($event !== null) {
            $this->taken($event);
        }

        return $event;
    }

    private function taken(Event $event): void
    {
        if ($this->connections->isUnread) {
            $this->client->taken();
        }
        if ($this->tracing !== null && $event instanceof Message) {
            $this->delivered = $event;
            $this->tracing->beforeDelivery($event);
        }
    }

    private function wait(?float $timeout): ?Event
    {
        $deadline = $timeout === null ? null : Internal\Clock::now() + $timeout;
        while (!$this->queue->isEnded) {
            $left = $deadline === null ? null : \max(0.0, $deadline - Internal\Clock::now());
            $ready = new Future($this->client);
            $this->waiting[] = $ready;
            try {
                $this->client->drive($ready, $left);
            } finally {
                $isOther = static fn (Future $future): bool => $future !== $ready;
                $this->waiting = \array_values(\array_filter($this->waiting, $isOther));
            }
            $event = $this->take();
            if ($event !== null || $left === 0.0) {
                return $event;
            }
        }

        return $this->take();
    }

    /** Whether there will be no more events. */
    public function isEnded(): bool
    {
        return $this->queue->isEnded && $this->queue->isEmpty();
    }

    /**
     * `foreach` over all events, to the end.
     *
     * @return \Generator<int, Event>
     */
    public function getIterator(): \Generator
    {
        while (($event = $this->next()) !== null) {
            yield $event;
        }
    }

    /**
     * Gives the handler the events that are there, or the first part of them.
     *
     * @internal
     */
    public function dispatch(Loop $loop): void
    {
        if ($this->isDispatching) {
            return;
        }
        $this->isDispatching = true;
        try {
            for ($left = self::SLICE; $left > 0 && $this->handler !== null && $loop->goesOn(); $left--) {
                $event = $this->queue->take();
                if ($event === null) {
                    break;
                }
                if ($this->tracing !== null || $this->connections->isUnread) {
                    $this->handle($event, $this->handler);
                } else {
                    ($this->handler)($event);
                }
            }
        } finally {
            $this->isDispatching = false;
            if (!$this->queue->isEmpty()) {
                $this->isReady();
            }
        }
    }

    private function handle(Event $event, \Closure $handler): void
    {
        $this->taken($event);
        try {
            $handler($event);
        } finally {
            if ($this->delivered !== null) {
                $this->afterDelivery();
            }
        }
    }

    /** The application has finished with the message that it got last. */
    protected function afterDelivery(): void
    {
        $delivered = $this->delivered;
        $this->delivered = null;
        if ($delivered !== null) {
            $this->tracing?->afterDelivery($delivered);
        }
    }

    private function isReady(): void
    {
        if ($this->handler !== null) {
            $this->client->isReady($this);
        }
        if ($this->queue->isEnded) {
            $waiting = $this->waiting;
            foreach ($waiting as $future) {
                $future->complete();
            }
        } elseif ($this->waiting !== []) {
            \array_shift($this->waiting)->complete();
        }
    }
}
