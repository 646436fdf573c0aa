<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Cause;
use Hubrelay\Counters;
use Hubrelay\Event;
use Hubrelay\Gap;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Status;

/**
 * Events that the application has not taken: bounded in bytes, and a Loss in the place of what did not fit.
 *
 * @internal
 */
final class EventQueue
{
    /** What a message takes beside its channel, payload and pattern, in bytes. */
    public const MESSAGE_OVERHEAD = 100;

    /** What any other event takes. */
    public const EVENT_BYTES = 400;

    /** Untaken events that are no messages, beyond which the oldest Status or Gap is dropped. */
    private const MAX_NOTICES = 1000;

    public int $bytes = 0;

    /** Nothing comes any more. What is there may still be taken. */
    public bool $isEnded = false;

    /** @var (\Closure(): void)|null called when there is something to take again, or the end has come */
    public ?\Closure $onReady = null;

    /** @var array<int, Event> those from `head` to before `tail`: an array is quicker than SplQueue */
    private array $items = [];

    private int $head = 0;

    private int $tail = 0;

    /** Messages that found no room behind the last item. */
    private int $lost = 0;

    /** Items that are no messages. */
    private int $notices = 0;

    /**
     * @param Counters $counters its `queuedBytes` is what all queues of the client hold
     */
    public function __construct(
        private readonly int $limit,
        private readonly int $totalLimit,
        private readonly Counters $counters,
    ) {
    }

    public function isEmpty(): bool
    {
        return $this->lost === 0 && $this->items === [];
    }

    /** It takes no more messages, or all queues together do not. */
    public function isFull(): bool
    {
        return $this->bytes >= $this->limit || $this->counters->queuedBytes >= $this->totalLimit;
    }

    /**
     * Takes a message, or drops and counts it. One always fits into an empty queue.
     *
     * @param bool $mayExceed for a read under way
     */
    public function putMessage(Message $message, bool $mayExceed = false): void
    {
        $size = self::MESSAGE_OVERHEAD + \strlen($message->payload) + \strlen($message->channel)
            + \strlen($message->pattern);
        if (
            ($this->bytes + $size > $this->limit || $this->counters->queuedBytes + $size > $this->totalLimit)
            && !$mayExceed && $this->items !== []
        ) {
            $this->lost++;

            return;
        }
        if ($this->lost > 0) {
            $this->tellLost();
        }
        $this->bytes += $size;
        $this->counters->queuedBytes += $size;
        $this->items[$this->tail++] = $message;
        if ($this->tail - $this->head === 1 && $this->onReady !== null) {
            ($this->onReady)();
        }
    }

    /**
     * Takes an event that is no message; it is never refused. Losses of one cause with nothing between them are merged.
     * Of untaken Status and Gap the newest are kept.
     */
    public function put(Event $event): void
    {
        if ($this->lost > 0) {
            $this->tellLost();
        }
        $last = $this->items[$this->tail - 1] ?? null;
        if (
            $event instanceof Loss && $last instanceof Loss
            && $last->cause === $event->cause && $last->local === $event->local
        ) {
            $this->items[$this->tail - 1] = $last->plus($event);
        } else {
            $this->append($event);
            if ($this->notices > self::MAX_NOTICES) {
                $this->dropOldestNotice();
            }
        }
        $this->wake();
    }

    /** The next event, or null. */
    public function take(): ?Event
    {
        if ($this->items === []) {
            if ($this->lost === 0) {
                return null;
            }
            $this->tellLost();
        }
        $event = $this->items[$this->head];
        unset($this->items[$this->head++]);
        if ($this->head === $this->tail) {
            $this->items = [];
            $this->head = $this->tail = 0;
        }
        if ($event instanceof Message) {
            $size = self::MESSAGE_OVERHEAD + \strlen($event->payload) + \strlen($event->channel)
                + \strlen($event->pattern);
        } else {
            $size = self::EVENT_BYTES;
            $this->notices--;
        }
        $this->bytes -= $size;
        $this->counters->queuedBytes -= $size;

        return $event;
    }

    /** Nothing comes any more. */
    public function end(): void
    {
        $this->isEnded = true;
        $this->wake();
    }

    /**
     * Forgets the messages that came by these names.
     *
     * @param list<Name> $names
     */
    public function removeMessages(array $names): void
    {
        $gone = ['channel' => [], 'pattern' => []];
        foreach ($names as $name) {
            $gone[$name->isPattern ? 'pattern' : 'channel'][$name->text] = true;
        }
        $kept = [];
        foreach ($this->items as $event) {
            $isGone = $event instanceof Message && ($event->pattern !== ''
                ? isset($gone['pattern'][$event->pattern]) : isset($gone['channel'][$event->channel]));
            if (!$isGone) {
                $kept[] = $event;
                continue;
            }
            $size = self::MESSAGE_OVERHEAD + \strlen($event->payload) + \strlen($event->channel)
                + \strlen($event->pattern);
            $this->bytes -= $size;
            $this->counters->queuedBytes -= $size;
        }
        $this->items = $kept;
        $this->head = 0;
        $this->tail = \count($kept);
    }

    /** Forgets everything. */
    public function clear(): void
    {
        $this->counters->queuedBytes -= $this->bytes;
        $this->bytes = $this->lost = $this->notices = $this->head = $this->tail = 0;
        $this->items = [];
    }

    private function tellLost(): void
    {
        $lost = $this->lost;
        $this->lost = 0;
        $this->counters->lostMessages = Count::sum($this->counters->lostMessages, $lost);
        $this->append(new Loss(
            messages: $lost,
            reason: 'not read in time',
            cause: Cause::SLOW_READER,
            local: true,
        ));
        $this->append(new Gap(['messages were dropped, since they were not read in time']));
    }

    private function append(Event $event): void
    {
        $this->items[$this->tail++] = $event;
        $this->notices++;
        $this->bytes += self::EVENT_BYTES;
        $this->counters->queuedBytes += self::EVENT_BYTES;
    }

    private function dropOldestNotice(): void
    {
        foreach ($this->items as $index => $event) {
            if ($event instanceof Status || $event instanceof Gap) {
                unset($this->items[$index]);
                $this->items = \array_values($this->items);
                $this->head = 0;
                $this->tail = \count($this->items);
                $this->notices--;
                $this->bytes -= self::EVENT_BYTES;
                $this->counters->queuedBytes -= self::EVENT_BYTES;

                return;
            }
        }
    }

    private function wake(): void
    {
        if ($this->onReady !== null) {
            ($this->onReady)();
        }
    }
}
