<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Cause;
use Hubrelay\Event;
use Hubrelay\EventStream;
use Hubrelay\Gap;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Status;

/**
 * Events that the application has not taken. The queue is bounded in bytes. A Loss is at the place of what did not fit.
 *
 * @internal
 */
final class EventQueue
{
    /** The size of a message beside its channel, payload and pattern, in bytes. */
    public const MESSAGE_OVERHEAD = 100;

    /** The size of any other event. */
    public const EVENT_BYTES = 400;

    /** The limit of untaken Status and Gap. Beyond it the oldest of them is dropped. */
    private const MAX_NOTICES = 1000;

    public int $bytes = 0;

    /** No more events come. Those that are there may still be taken. */
    public bool $isEnded = false;

    /** @var (\Closure(): void)|null called when there is an event to take again, or the end has come */
    public ?\Closure $onReady = null;

    /** The stream whose handler has to be called, even if the application has no reference to the stream. */
    public ?EventStream $keptStream = null;

    /** @var array<int, Event> at the indexes from `head` to before `tail`: an array is faster than SplQueue */
    private array $items = [];

    private int $head = 0;

    private int $tail = 0;

    /** @var array<int, Event> events before a Status or Gap that was dropped; they come before `items` */
    private array $front = [];

    private int $frontHead = 0;

    /** The number of messages that found no room after the last item. */
    private int $lost = 0;

    /** How many of the items are Status or Gap. */
    private int $notices = 0;

    /**
     * @param Budget $total the budget of all queues of the client
     */
    public function __construct(private readonly int $limit, private readonly Budget $total)
    {
    }

    public function isEmpty(): bool
    {
        return $this->lost === 0 && $this->items === [] && $this->front === [];
    }

    /** Whether this queue, or all queues together, take no more messages. */
    public function isFull(): bool
    {
        return $this->bytes >= $this->limit || $this->total->bytes >= $this->total->limit;
    }

    /**
     * Adds a message, or drops and counts it. An empty queue takes any one message.
     *
     * @param bool $mayExceed true: takes it even above the limit, for the current read
     */
    public function putMessage(Message $message, bool $mayExceed = false): void
    {
        $size = self::MESSAGE_OVERHEAD + \strlen($message->payload) + \strlen($message->channel)
            + \strlen($message->pattern);
        $total = $this->total;
        if (
            ($this->bytes + $size > $this->limit || $total->bytes + $size > $total->limit)
            && !$mayExceed && ($this->items !== [] || $this->front !== [])
        ) {
            $this->lost++;

            return;
        }
        if ($this->lost > 0) {
            $this->tellLost();
        }
        $this->bytes += $size;
        $total->counters->queuedBytes = $total->bytes += $size;
        $this->items[$this->tail++] = $message;
        if ($this->tail - $this->head === 1 && $this->front === [] && $this->onReady !== null) {
            ($this->onReady)();
        }
    }

    /**
     * Adds an event that is not a message. It is never refused. Losses of one cause are merged if there are only Losses
     * between them. Of the untaken Status and Gap the newest are kept.
     */
    public function put(Event $event): void
    {
        if ($this->lost > 0) {
            $this->tellLost();
        }
        $this->append($event);
        $this->wake();
    }

    /** The next event, or null. */
    public function take(): ?Event
    {
        if ($this->front !== []) {
            $event = $this->takeOfFront();
        } else {
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
        }
        if ($event instanceof Message) {
            $size = self::MESSAGE_OVERHEAD + \strlen($event->payload) + \strlen($event->channel)
                + \strlen($event->pattern);
        } else {
            $size = self::EVENT_BYTES;
            $this->notices -= (int) self::isNotice($event); // `front` has none
        }
        $this->bytes -= $size;
        $total = $this->total;
        $total->counters->queuedBytes = $total->bytes -= $size;

        return $event;
    }

    private function takeOfFront(): Event
    {
        $event = $this->front[$this->frontHead];
        unset($this->front[$this->frontHead++]);
        if ($this->front === []) {
            $this->front = [];
            $this->frontHead = 0;
        }

        return $event;
    }

    /** Ends the queue: no more events come. */
    public function end(): void
    {
        $this->isEnded = true;
        $this->wake();
    }

    /**
     * Removes the messages that came by these names.
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
        foreach ([...$this->front, ...$this->items] as $event) {
            $isGone = $event instanceof Message && ($event->pattern !== ''
                ? isset($gone['pattern'][$event->pattern]) : isset($gone['channel'][$event->channel]));
            if ($isGone || $event instanceof Loss && self::isMerged($kept, $event)) {
                $this->release(self::sizeOf($event));
            } else {
                $kept[] = $event;
            }
        }
        $this->items = $kept;
        $this->front = [];
        $this->head = $this->frontHead = 0;
        $this->tail = \count($kept);
    }

    /** Removes all events. */
    public function clear(): void
    {
        $this->release($this->bytes);
        $this->lost = $this->notices = $this->head = $this->tail = $this->frontHead = 0;
        $this->items = $this->front = [];
    }

    private function tellLost(): void
    {
        $lost = $this->lost;
        $this->lost = 0;
        $counters = $this->total->counters;
        $counters->lostMessages = Count::sum($counters->lostMessages, $lost);
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
        if ($event instanceof Loss && self::isMerged($this->items, $event)) {
            return;
        }
        $this->items[$this->tail++] = $event;
        $this->bytes += self::EVENT_BYTES;
        $this->total->add(self::EVENT_BYTES);
        if (self::isNotice($event) && ++$this->notices > self::MAX_NOTICES) {
            $this->dropOldestNotice();
        }
    }

    /** Moves the events before the next Status or Gap to `front`, so that no event is checked twice. */
    private function dropOldestNotice(): void
    {
        $this->moveToFront();
        unset($this->items[$this->head++]);
        $this->notices--;
        $this->release(self::EVENT_BYTES);
        $this->moveToFront();
    }

    private function moveToFront(): void
    {
        while (!self::isNotice($event = $this->items[$this->head])) {
            unset($this->items[$this->head++]);
            if ($event instanceof Loss && self::isMerged($this->front, $event)) {
                $this->release(self::EVENT_BYTES);
            } else {
                $this->front[] = $event;
            }
        }
    }

    /**
     * Adds a Loss to one of the same cause at the end, if there are only Losses between them.
     *
     * @param array<int, Event> $events
     */
    private static function isMerged(array &$events, Loss $loss): bool
    {
        for ($index = \array_key_last($events); ($former = $events[$index] ?? null) instanceof Loss; $index--) {
            if ($former->cause === $loss->cause && $former->local === $loss->local) {
                $events[$index] = $former->plus($loss);

                return true;
            }
        }

        return false;
    }

    private static function isNotice(Event $event): bool
    {
        return $event instanceof Status || $event instanceof Gap;
    }

    private static function sizeOf(Event $event): int
    {
        return $event instanceof Message
            ? self::MESSAGE_OVERHEAD + \strlen($event->payload) + \strlen($event->channel) + \strlen($event->pattern)
            : self::EVENT_BYTES;
    }

    private function release(int $bytes): void
    {
        $this->bytes -= $bytes;
        $this->total->add(-$bytes);
    }

    private function wake(): void
    {
        if ($this->onReady !== null) {
            ($this->onReady)();
        }
    }
}
