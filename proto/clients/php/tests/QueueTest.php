<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Cause;
use Hubrelay\Counters;
use Hubrelay\Event;
use Hubrelay\Gap;
use Hubrelay\Internal\Budget;
use Hubrelay\Internal\EventQueue;
use Hubrelay\Internal\Name;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Revoked;
use Hubrelay\Status;

final class QueueTest extends TestCase
{
    /**
     * @return list<Event>
     */
    private static function takeAll(EventQueue $queue): array
    {
        $events = [];
        while (($event = $queue->take()) !== null) {
            $events[] = $event;
        }

        return $events;
    }

    public function testWhatFindsNoRoomIsALossInItsPlace(): void
    {
        $counters = new Counters();
        $queue = new EventQueue(350, new Budget(10_000, $counters));
        foreach (['a', 'b', 'c', 'd', 'e'] as $payload) {
            $queue->putMessage(new Message('room', $payload));
        }
        self::assertEquals(new Message('room', 'a'), $queue->take());
        $queue->putMessage(new Message('room', 'f'));
        $events = self::takeAll($queue);
        self::assertEquals([new Message('room', 'b'), new Message('room', 'c')], \array_slice($events, 0, 2));
        self::assertSame([2, Cause::SLOW_READER, true], [$events[2]->messages, $events[2]->cause, $events[2]->local]);
        self::assertInstanceOf(Gap::class, $events[3]);
        self::assertEquals(new Message('room', 'f'), $events[4]);
        self::assertSame([0, 0, 2], [$queue->bytes, $counters->queuedBytes, $counters->lostMessages]);
    }

    public function testAnEmptyQueueTakesOneOfAnySize(): void
    {
        $queue = new EventQueue(100, new Budget(100, new Counters()));
        $queue->putMessage(new Message('room', \str_repeat('x', 1000)));
        $queue->putMessage(new Message('room', 'x'));
        self::assertSame(1000, \strlen($queue->take()->payload));
        self::assertInstanceOf(Loss::class, $queue->take());
    }

    public function testAllQueuesTogetherHaveABound(): void
    {
        $counters = new Counters();
        $total = new Budget(400, $counters);
        $one = new EventQueue(10_000, $total);
        $other = new EventQueue(10_000, $total);
        foreach (\range(1, 3) as $number) {
            $one->putMessage(new Message('a', "$number"));
            $other->putMessage(new Message('a', "$number"));
        }
        self::assertSame([102, 204], [$other->bytes, $one->bytes]);
        $one->clear();
        self::assertSame(102, $counters->queuedBytes);
    }

    public function testLossesOfOneCauseWithNothingBetweenAreOne(): void
    {
        $queue = new EventQueue(1000, new Budget(1000, new Counters()));
        $queue->put(new Loss(publishes: 1, cause: Cause::REFUSED));
        $queue->put(new Loss(publishes: \PHP_INT_MAX, cause: Cause::REFUSED));
        $queue->put(new Loss(publishes: 3, cause: Cause::INVALID));
        self::assertSame([\PHP_INT_MAX, 3], \array_column(self::takeAll($queue), 'publishes'));
    }

    public function testOfStatusesTheNewestAreKeptAndRevokedAlways(): void
    {
        $queue = new EventQueue(1000, new Budget(1000, new Counters()));
        $queue->putMessage(new Message('a', 'x'));
        $queue->put(new Revoked(['a']));
        foreach (\range(1, 1500) as $gaps) {
            $queue->put(new Status(gaps: $gaps));
        }
        $events = self::takeAll($queue);
        self::assertEquals([new Message('a', 'x'), new Revoked(['a'])], \array_slice($events, 0, 2));
        self::assertSame(\range(501, 1500), \array_column(\array_slice($events, 2), 'gaps'));
        self::assertSame(0, $queue->bytes);
    }

    public function testWhatSeparatedLossesIsDroppedAndTheyAreMerged(): void
    {
        $counters = new Counters();
        $queue = new EventQueue(1_000_000, new Budget(1_000_000, $counters));
        $queue->putMessage(new Message('a', 'x'));
        $queue->put(new Loss(publishes: 1, cause: Cause::REFUSED));
        foreach (\range(1, 3000) as $number) {
            $queue->put(new Status(gaps: $number));
            $queue->put(new Loss(publishes: 1, cause: $number % 2 === 0 ? Cause::REFUSED : Cause::INVALID));
        }
        $queue->putMessage(new Message('a', 'y'));
        $queue->removeMessages([new Name('b', false)]);
        self::assertEquals(new Message('a', 'x'), $queue->take());
        self::assertSame([Cause::REFUSED, 1001], self::counted($queue->take()));
        self::assertSame([Cause::INVALID, 1000], self::counted($queue->take()));
        foreach (\range(2001, 3000) as $number) {
            self::assertSame($number, $queue->take()->gaps);
            self::assertSame(1, $queue->take()->publishes);
        }
        self::assertEquals([new Message('a', 'y')], self::takeAll($queue));
        self::assertSame([0, 0], [$queue->bytes, $counters->queuedBytes]);
    }

    /**
     * @return array{int, int}
     */
    private static function counted(?Event $event): array
    {
        return $event instanceof Loss ? [$event->cause, $event->publishes] : [-1, -1];
    }

    public function testTheNewestStatusIsKeptHoweverManyLossesThereAre(): void
    {
        $queue = new EventQueue(1000, new Budget(1000, new Counters()));
        foreach (\range(1, 1100) as $number) {
            $queue->put(new Loss(publishes: 1, cause: Cause::INVALID));
            $queue->put(new Revoked(["$number"]));
        }
        $queue->put(new Status(gaps: 7));
        $events = self::takeAll($queue);
        self::assertSame(2201, \count($events));
        self::assertSame(7, $events[2200]->gaps);
    }

    public function testWhatTheApplicationDoesToTheCountersIsNoBound(): void
    {
        $counters = new Counters();
        $queue = new EventQueue(10_000, new Budget(10_000, $counters));
        $queue->putMessage(new Message('a', 'x'));
        $counters->queuedBytes = 10_000;
        $queue->putMessage(new Message('a', 'y'));
        self::assertSame(2, \count(self::takeAll($queue)));
        self::assertSame(0, $counters->queuedBytes);
    }

    public function testMessagesOfSomeNamesAreRemoved(): void
    {
        $counters = new Counters();
        $queue = new EventQueue(10_000, new Budget(10_000, $counters));
        $queue->putMessage(new Message('7', 'x'));
        $queue->putMessage(new Message('7', 'x', '7*'));
        $queue->putMessage(new Message('8', 'x'));
        $queue->removeMessages([new Name('7', false), new Name('8', true)]);
        self::assertSame([['7', '7*'], ['8', '']], \array_map(
            static fn (Message $message): array => [$message->channel, $message->pattern],
            self::takeAll($queue),
        ));
        self::assertSame([0, 0], [$queue->bytes, $counters->queuedBytes]);
    }

    public function testAQueueThatIsNeverEmptyDoesNotGrow(): void
    {
        $queue = new EventQueue(100_000, new Budget(100_000, new Counters()));
        $queue->putMessage(new Message('room', '0'));
        $before = 0;
        for ($number = 1; $number < 300_000; $number++) {
            $queue->putMessage(new Message('room', (string) $number));
            self::assertSame((string) ($number - 1), $queue->take()->payload);
            if ($number === 150_000) {
                $before = \memory_get_usage();
            }
        }
        self::assertTrue(\memory_get_usage() < $before + 2_000_000);
    }

    public function testWhoWaitsIsCalledWhenThereIsSomething(): void
    {
        $queue = new EventQueue(10_000, new Budget(10_000, new Counters()));
        $calls = 0;
        $queue->onReady = static function () use (&$calls): void {
            $calls++;
        };
        $queue->putMessage(new Message('room', 'a'));
        $queue->putMessage(new Message('room', 'b'));
        self::assertSame(1, $calls);
        self::takeAll($queue);
        $queue->putMessage(new Message('room', 'c'));
        self::assertSame(2, $calls);
        $queue->end();
        self::assertSame(3, $calls);
    }
}
