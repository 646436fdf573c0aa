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

    /** Untaken Status and Gap, beyond which the oldest of them is dropped. */
    private const MAX_NOTICES = 1000;

    public int $bytes = 0;

    /** Nothing comes any more. What is there may still be taken. */
    public bool $isEnded = false;

    /** @var (\Closure(): void)|null called when there is something to take again, or the end has come */
    public ?\Closure $onReady = null;

    /** Whose handler is to be called, also if the application has no reference to it. */
    public ?EventStream $keptStream = null;

    /** @var array<int, Event> those from `head` to before `tail`: an array is quicker than SplQueue */
    private array $items = [];

    private int $head = 0;

    private int $tail = 0;

    /** @var array<int, Event> what was before a Status or Gap that was dropped; it comes before `items` */
    private array $front = [];

    private int $frontHead = 0;

    /** Messages that found no room behind the last item. */
    private int $lost = 0;

    /** Of the items, those that are Status or Gap. */
    private int $notices = 0;

    /**
     * @param Budget $total of all queues of the client
     */
    public function __construct(private readonly int $limit, private readonly Budget $total)
    {
    }

    public function isEmpty(): bool
    {
        return $this->lost === 0 && $this->items === [] && $this->front === [];
    }

    /** It takes no more messages, or all queues together do not. */
    public function isFull(): bool
    {
        return $this->bytes >= $this->limit || $this->total->bytes >= $this->total->limit;
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
     * Takes an event that is no message; it is never refused. Losses of one cause with nothing but Losses between them
     * are merged. Of untaken Status and Gap the newest are kept.
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

    /** Forgets everything. */
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

    /** What is before the next one moves to `front`, so that nothing is looked at twice. */
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
     * Adds a Loss to one of the same cause at the end, if nothing but Losses is between them.
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
