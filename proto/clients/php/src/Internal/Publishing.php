<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Counters;
use Hubrelay\Exception\CongestedException;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Future;

/**
 * All publishes: checks them, bounds them, and keeps their order.
 *
 * @internal
 */
final class Publishing
{
    /** The size of a waiting publish beside its channel and its payload, in bytes. */
    private const PUBLISH_OVERHEAD = 500;

    /** The same for a send. */
    private const SEND_OVERHEAD = 100;

    /** How many encoded channel names are kept. Beyond that number all are dropped. */
    private const MAX_KEPT_FIELDS = 4096;

    /** The connection that publishes go to; null if there is no connection to a relay. */
    public ?Link $link = null;

    /** New publishes wait: for the first connection, or until the former connection has been read to its end. */
    public bool $isHeld = false;

    /** How many publishes and sends wait for room, or for a connection. */
    public int $waiting = 0;

    /** The reason why there is no connection. */
    public string $reason = 'no connection to a relay yet';

    /**
     * @var array<int, array{string, string, ?Future}> by place: field of the channel, payload, future (null: a send)
     */
    private array $queue = [];

    /** A place not after the first one in use, and the place for the next one. */
    private int $head = 0;

    private int $tail = 0;

    /** The size of the waiting publishes, in bytes. */
    private int $waitingBytes = 0;

    /** The size of the waiting sends, in bytes. */
    private int $waitingSends = 0;

    /** @var array<string> the channel's encoded field in a Publish, by channel */
    private array $fields = [];

    /**
     * @param int                    $maxUnsent     bytes that the relay has not read, and the same for those that wait
     * @param int                    $maxUnanswered publishes without Reply
     * @param \Closure(Link): void   $sentFirst     called when a send is the first that is unsettled
     */
    public function __construct(
        private readonly int $maxUnsent,
        private readonly int $maxUnanswered,
        private readonly Counters $counters,
        private readonly \Closure $sentFirst,
    ) {
    }

    /**
     * The future gets the number of receivers, or an error.
     *
     * @param bool $wait whether it may wait for room; if it may not and there is none, it is Congested
     * @throws HubrelayException InvalidException, NotConnectedException, CongestedException
     */
    public function publish(string $channel, string $payload, Future $future, bool $wait = true): void
    {
        $field = $this->fields[$channel] ?? $this->newField($channel);
        $link = $this->link;
        if (
            $link === null || $this->isHeld || $this->waiting > 0 || \count($link->publishes) >= $this->maxUnanswered
            || $link->unsent > 0 && $link->unsent + \strlen($payload) > $this->maxUnsent
        ) {
            $this->wait($field, $payload, $future, $wait);
        } else {
            $this->write($link, $field, $payload, $future);
        }
    }

    /**
     * Publishes without Reply. If other publishes wait, it waits after them.
     *
     * @throws HubrelayException InvalidException, NotConnectedException, CongestedException
     */
    public function send(string $channel, string $payload): void
    {
        $field = $this->fields[$channel] ?? $this->newField($channel);
        $size = \strlen($payload);
        $link = $this->link;
        if ($link === null && !$this->isHeld) {
            throw new NotConnectedException($this->reason);
        }
        $unsent = $this->waitingSends + ($link === null ? 0 : $link->unsent);
        $isCongested = $unsent > 0 && $unsent + $size > $this->maxUnsent >> 4;
        if ($link !== null && !$isCongested && !$this->isHeld && $this->waiting === 0) {
            $this->write($link, $field, $payload, null);

            return;
        }
        if ($link !== null) {
            self::check($link, $payload);
        }
        if ($isCongested) {
            throw new CongestedException("the relay has not read $unsent bytes yet");
        }
        $this->enqueue($field, $payload, null);
    }

    /**
     * Writes the publishes that wait, as far as there is room. Returns how many sends could not be sent at all.
     */
    public function pump(): int
    {
        $lost = 0;
        while (!$this->isHeld && $this->waiting > 0) {
            while (!isset($this->queue[$this->head])) {
                $this->head++; // it was given up
            }
            [$field, $payload, $future] = $this->queue[$this->head];
            if ($future !== null && $this->link !== null && !$this->hasRoom($this->link, $payload)) {
                break;
            }
            $this->remove($this->head);
            try {
                $link = $this->link ?? throw new NotConnectedException($this->reason);
                $this->write($link, $field, $payload, $future);
            } catch (HubrelayException $error) {
                $lost += (int) ($future === null);
                $future?->fail($error);
            }
        }

        return $lost;
    }

    /** The caller of a publish gives up. Returns true if it was not written yet: then it never will be. */
    public function giveUp(Future $future): bool
    {
        $place = $future->waitingPlace;
        if ($place === null) {
            return false;
        }
        $this->remove($place);

        return true;
    }

    /** Fails all that wait. Returns how many sends are among them. */
    public function failWaiting(HubrelayException $error): int
    {
        $lost = 0;
        foreach ($this->queue as $place => [, , $future]) {
            if (!isset($this->queue[$place])) {
                continue; // given up meanwhile, by a hook
            }
            $this->remove($place);
            $lost += (int) ($future === null);
            $future?->fail($error);
        }

        return $lost;
    }

    private function wait(string $field, string $payload, Future $future, bool $wait): void
    {
        $link = $this->link;
        if ($link === null && (!$this->isHeld || !$wait)) {
            throw new NotConnectedException($this->reason);
        }
        if ($link !== null) {
            self::check($link, $payload);
        }
        if (!$wait) {
            throw new CongestedException(
                \count($link->publishes) . " publishes await their Reply, $this->waiting wait for room, "
                . "and $link->unsent bytes for the relay",
            );
        }
        $size = self::sizeOf($field, $payload, $future);
        if ($this->waitingBytes > 0 && $this->waitingBytes + $size > $this->maxUnsent) {
            throw new CongestedException("$this->waiting publishes wait for room, of $this->waitingBytes bytes");
        }
        $this->enqueue($field, $payload, $future);
    }

    private function enqueue(string $field, string $payload, ?Future $future): void
    {
        if ($future === null) {
            $this->waitingSends += self::sizeOf($field, $payload, $future);
        } else {
            $this->waitingBytes += self::sizeOf($field, $payload, $future);
            $future->waitingPlace = $this->tail;
        }
        $this->queue[$this->tail++] = [$field, $payload, $future];
        $this->waiting++;
    }

    private function remove(int $place): void
    {
        [$field, $payload, $future] = $this->queue[$place];
        unset($this->queue[$place]);
        $this->waiting--;
        if ($future === null) {
            $this->waitingSends -= self::sizeOf($field, $payload, $future);
        } else {
            $this->waitingBytes -= self::sizeOf($field, $payload, $future);
            $future->waitingPlace = null;
        }
        if ($this->queue === []) {
            $this->queue = []; // its memory, too
            $this->head = $this->tail = 0;
        }
    }

    private static function sizeOf(string $field, string $payload, ?Future $future): int
    {
        return \strlen($field) + \strlen($payload)
            + ($future === null ? self::SEND_OVERHEAD : self::PUBLISH_OVERHEAD);
    }

    private function hasRoom(Link $link, string $payload): bool
    {
        return ($link->unsent === 0 || $link->unsent + \strlen($payload) <= $this->maxUnsent)
            && \count($link->publishes) < $this->maxUnanswered;
    }

    private function write(Link $link, string $field, string $payload, ?Future $future): void
    {
        $id = $future === null ? 0 : $link->nextId();
        $frame = Codec::publish($field, $payload, $id);
        if (\strlen($payload) > $link->maxPayload || \strlen($frame) > $link->maxFrame + 4) {
            self::check($link, $payload);
            throw new InvalidException('the channel and the payload do not fit a frame of this relay');
        }
        $this->counters->sent++;
        if ($future !== null) {
            $link->publish($frame, $id, $future);

            return;
        }
        $link->send($frame);
        if ($link->unsettled === 1) {
            ($this->sentFirst)($link);
        }
    }

    private static function check(Link $link, string $payload): void
    {
        if (\strlen($payload) > $link->maxPayload) {
            throw new InvalidException(
                'the payload has ' . \strlen($payload) . " bytes; this relay takes $link->maxPayload",
            );
        }
    }

    private function newField(string $channel): string
    {
        Names::check($channel);
        if (\count($this->fields) >= self::MAX_KEPT_FIELDS) {
            $this->fields = [];
        }

        return $this->fields[$channel] = Codec::field(1, $channel);
    }
}
