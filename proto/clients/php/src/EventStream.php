<?php

declare(strict_types=1);

namespace Hubrelay;

use Hubrelay\Internal\Connections;
use Hubrelay\Internal\EventQueue;
use Hubrelay\Internal\Loop;
use Hubrelay\Internal\Tracing;

/**
 * Events in their order: for a handler, or to be taken one by one. Ends when the client, or the subscription, is
 * closed.
 *
 * @implements \IteratorAggregate<int, Event>
 */
class EventStream implements \IteratorAggregate
{
    /** Events that a handler is given before others have their turn. */
    private const SLICE = 64;

    /** @var ?\Closure(Event): void */
    private ?\Closure $handler = null;

    /** @var list<Future> who waits for an event */
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
        $stream = \WeakReference::create($this); // the queue does not keep it, but for its handler
        $queue->onReady = static fn () => $stream->get()?->isReady();
    }

    /**
     * Calls the handler with each event, from Client::run and Client::tick: with some of them in each turn. While a
     * handler waits (for a publish, say), no other one is called. What a handler throws comes out of `run` or `tick`.
     *
     * @param ?callable(Event): void $handler null: events wait again to be taken
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
     * @param ?float $timeout in seconds; 0: takes what there is
     * @return ?Event null after the timeout, and at the end
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

    /** Nothing comes any more. */
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
     * Gives the handler what there is, or the first part of it.
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

    /** The application has done with the message that it was given last. */
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
