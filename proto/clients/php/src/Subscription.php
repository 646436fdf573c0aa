<?php

declare(strict_types=1);

namespace Hubrelay;

use Hubrelay\Internal\Connections;
use Hubrelay\Internal\Listener;
use Hubrelay\Internal\Subscribing;
use Hubrelay\Internal\Tracing;

/**
 * Messages of some channels and patterns, in a bounded queue of their own. It yields Message, Loss and Gap, and
 * Revoked, which is the last event. `close` ends it. Without a handler it also ends when the application has no
 * reference to it any more.
 */
final class Subscription extends EventStream
{
    private int $outcome = Outcome::UNSPECIFIED;

    /**
     * @internal
     * @param list<string> $channels
     * @param list<string> $patterns
     */
    public function __construct(
        Client $client,
        private readonly Listener $listener,
        private readonly Subscribing $subscribing,
        Connections $connections,
        ?Tracing $tracing,
        public readonly array $channels,
        public readonly array $patterns,
    ) {
        parent::__construct($client, $listener->queue, $connections, $tracing);
    }

    /**
     * Whether it was not in force when the relay answered, or there was no relay. It is in force once the relay
     * receives, which a Gap reports.
     */
    public function wasPending(): bool
    {
        return $this->outcome === Outcome::PENDING;
    }

    /** Ends it: no more events come out of it. Idempotent, and does not wait for the relay. */
    public function close(): void
    {
        $this->afterDelivery();
        $this->client->closeListener($this->listener, $this->subscribing);
    }

    /** The application cannot take its events any more: it is closed at the next turn. */
    public function __destruct()
    {
        if (!$this->listener->isClosed) {
            [$client, $listener, $subscribing] = [$this->client, $this->listener, $this->subscribing];
            $client->later(static fn () => $client->closeListener($listener, $subscribing));
        }
    }

    /**
     * @internal
     */
    public function granted(int $outcome): self
    {
        $this->outcome = $outcome;

        return $this;
    }
}
