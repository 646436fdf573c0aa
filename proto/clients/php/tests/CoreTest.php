<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Cause;
use Hubrelay\Exception\CongestedException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Gap;
use Hubrelay\Internal\Action;
use Hubrelay\Internal\Backoff;
use Hubrelay\Internal\Clock;
use Hubrelay\Internal\Code;
use Hubrelay\Internal\Frame\Error;
use Hubrelay\Internal\Frame\Hello;
use Hubrelay\Internal\Frame\Ping;
use Hubrelay\Internal\Frame\Publish;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Internal\Frame\Subscribe;
use Hubrelay\Internal\Frame\Unsubscribe;
use Hubrelay\Internal\Timers;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Options;
use Hubrelay\Outcome;
use Hubrelay\Revoked;
use Hubrelay\State;
use Hubrelay\Status;

/**
 * The rules of a client, without sockets.
 */
final class CoreTest extends TestCase
{
    public function testHelloIsFirstAndWhatWasAskedForBeforeWelcomeWaits(): void
    {
        $bench = new Bench();
        $future = $bench->recorder->future();
        $bench->core->publishing->publish('room', 'x', $future);
        $link = $bench->open();
        self::assertEquals([new Hello(1, 'test')], $bench->written($link));
        $bench->say($link, new \Hubrelay\Internal\Frame\Welcome(1, '', 'a', 5000, Bench::up(), 900));
        self::assertEquals([new Publish('room', 'x', 1)], $bench->written($link));
        $bench->say($link, new Reply(1, Outcome::OK, 7));
        self::assertSame(7, $future->await());
    }

    public function testTheFirstRequestWaitsForTheFirstAttemptAndNotLonger(): void
    {
        $bench = new Bench();
        $future = $bench->recorder->future();
        $bench->core->publishing->publish('room', 'x', $future);
        $bench->tick(0.9);
        self::assertFalse($future->isSettled());
        $bench->tick(1.1);
        self::assertInstanceOf(NotConnectedException::class, Recorder::errorOf($future));
    }

    public function testAConnectionWithoutWelcomeIsGivenUp(): void
    {
        $bench = new Bench();
        $link = $bench->open();
        $bench->tick(5.1);
        self::assertTrue($link->isEnded);
        self::assertTrue(\str_contains($bench->core->whyNotReady(), 'said nothing for 5 s'));
        $bench->tick(6);
        self::assertTrue($bench->open() !== $link);
    }

    public function testBackoff(): void
    {
        $backoff = new Backoff(new Options());
        $largest = 0.0;
        foreach ([0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5] as $bound) {
            $delay = $backoff->next();
            self::assertTrue($delay >= 0 && $delay <= $bound, "$delay of $bound");
        }
        for ($count = 0; $count < 100; $count++) {
            $largest = \max($largest, $backoff->next());
        }
        self::assertTrue($largest > 0.3);
        $backoff->ended(4.9);
        $backoff->next();
        $backoff->ended(5.0);
        self::assertTrue($backoff->next() <= 0.02);
        foreach ([1, 2, 4, 8, 16, 30, 30] as $bound) {
            $delay = $backoff->next(true);
            self::assertTrue($delay >= $bound / 2 && $delay <= $bound, "$delay of $bound");
        }
        self::assertTrue($backoff->next() <= 0.04);
        self::assertTrue($backoff->next(true) <= 1);
    }

    public function testARelayThatRefusesIsToldOnce(): void
    {
        $bench = new Bench();
        foreach (\range(1, 3) as $count) {
            $link = $bench->open();
            $bench->say($link, new Error(Code::NOT_ALLOWED, 'uid 7'));
            self::assertTrue($link->isEnded);
            $bench->tick(100);
        }
        $events = $bench->events();
        self::assertSame(1, \count($events));
        self::assertSame(
            ['NOT_ALLOWED: uid 7', false, Cause::NO_RELAY],
            [$events[0]->reason, $events[0]->connected, $events[0]->cause],
        );
    }

    public function testTheLastReplyDecidesWhatIsHeld(): void
    {
        $bench = new Bench();
        $link = $bench->welcome();
        $subscribing = $bench->core->subscribing;
        $futures = [$bench->recorder->future(), $bench->recorder->future(), $bench->recorder->future()];
        $subscribing->subscribe(['room'], [], $futures[0]);
        $subscribing->unsubscribe(['room'], [], $futures[1]);
        $subscribing->subscribe(['room'], [], $futures[2]);
        self::assertEquals(
            [new Subscribe(1, ['room']), new Unsubscribe(2, ['room']), new Subscribe(3, ['room'])],
            $bench->written($link),
        );
        $bench->say($link, new Reply(1, Outcome::OK), new Reply(2, Outcome::OK));
        $bench->say($link, new Reply(3, Outcome::LIMIT, 0, 'full'));
        self::assertTrue(Recorder::errorOf($futures[2]) !== null);
        $bench->core->ended($link, 'gone');
        $bench->tick(1);
        self::assertEquals([], $bench->written($bench->welcome('b')));
    }

    public function testARestoreWithoutThoseThatAreRefusedAndByHalves(): void
    {
        $bench = new Bench();
        $link = $bench->open();
        $bench->core->failed($link, 'refused'); // so that what is asked for now is PENDING
        $subscribing = $bench->core->subscribing;
        $subscribing->subscribe(['a', 'b', 'c', 'd', 'e'], [], $bench->recorder->future());
        $bench->tick(1);
        $link = $bench->open();
        $bench->say($link, new \Hubrelay\Internal\Frame\Welcome(1, '', 'a', 5000, Bench::up(), 900, ['patterns']));
        self::assertEquals([new Hello(1, 'test'), new Subscribe(1, ['a', 'b', 'c', 'd', 'e'])], $bench->written($link));
        $bench->say($link, new Reply(1, Outcome::REFUSED, 0, 'NOPERM', ['b']));
        self::assertEquals([new Subscribe(2, ['a', 'c', 'd', 'e'])], $bench->written($link));
        $bench->say($link, new Reply(2, Outcome::LIMIT));
        self::assertEquals([new Subscribe(3, ['a', 'c']), new Subscribe(4, ['d', 'e'])], $bench->written($link));
        $bench->say($link, new Reply(3, Outcome::OK), new Reply(4, Outcome::LIMIT));
        self::assertEquals([new Subscribe(5, ['d']), new Subscribe(6, ['e'])], $bench->written($link));
        $bench->events();
        $bench->say($link, new Reply(5, Outcome::OK), new Reply(6, Outcome::LIMIT));
        $events = $bench->events();
        self::assertEquals(new Revoked(['e'], [], 'LIMIT'), $events[0]);
        self::assertSame(State::UP, $events[1]->state); // not before the last Reply
    }

    public function testAListenerThatJoinedARefusedSubscribeHasARequestOfItsOwn(): void
    {
        $bench = new Bench();
        $link = $bench->welcome();
        [$one, $other] = [$bench->listener(), $bench->listener()];
        [$first, $second] = [$bench->recorder->future(), $bench->recorder->future()];
        $bench->core->subscribing->listen($one, ['room', 'secret'], [], $first);
        $bench->core->subscribing->listen($other, ['room'], [], $second);
        self::assertEquals([new Subscribe(1, ['room', 'secret'])], $bench->written($link));
        $bench->say($link, new Reply(1, Outcome::REFUSED, 0, 'NOPERM', ['secret']));
        self::assertTrue(Recorder::errorOf($first) !== null);
        self::assertEquals([new Subscribe(2, ['room'])], $bench->written($link));
        $bench->say($link, new Reply(2, Outcome::OK), new Message('room', 'x'));
        self::assertSame(Outcome::OK, $second->await());
        self::assertEquals(new Message('room', 'x'), $other->queue->take());
        self::assertTrue($one->queue->isEmpty());
    }

    /**
     * @return array{Bench, \Hubrelay\Internal\Link, \Hubrelay\Internal\Listener}
     */
    private function listening(Options $options = new Options(gapJitter: 0.0)): array
    {
        $bench = new Bench($options);
        $link = $bench->welcome();
        $listener = $bench->listener();
        $bench->core->subscribing->listen($listener, ['room'], [], $bench->recorder->future());
        $bench->written($link);
        $bench->say($link, new Reply(1, Outcome::OK));
        $bench->events();

        return [$bench, $link, $listener];
    }

    public function testAGapOnceReceivingAgainAfterARandomTime(): void
    {
        [$bench, $link, $listener] = $this->listening(new Options());
        $bench->say($link, new Status(State::DOWN, 'closed', gaps: 1));
        $bench->tick(10);
        self::assertSame(null, $listener->queue->take());
        $bench->say($link, Bench::up(1));
        self::assertSame(null, $listener->queue->take());
        $delay = $bench->core->timers->dueAt('gap') - \hrtime(true) / 1e9;
        self::assertTrue($delay > -0.5 && $delay <= 2.0, "$delay");
        $bench->tick(2.1);
        self::assertEquals(new Gap(['closed']), $listener->queue->take());
        self::assertSame(null, $listener->queue->take());
    }

    public function testAPartialGap(): void
    {
        [$bench, $link, $listener] = $this->listening();
        $bench->say($link, new Status(State::DEGRADED, 'a part is away', publishing: true, gaps: 1));
        $bench->tick(4.9);
        self::assertSame(null, $listener->queue->take());
        $bench->tick(5.1);
        self::assertEquals(new Gap(['a part is away'], true), $listener->queue->take());
        $bench->say($link, Bench::up(1));
        $bench->tick(0.1);
        self::assertEquals(new Gap(['a part is away']), $listener->queue->take());
    }

    public function testARelayThatHangsIsFoundAndATimerThatIsLateSaysNothing(): void
    {
        [$bench, $link] = $this->listening(new Options(pingOwed: 0.2, pingIdle: 0.2, pingTimeout: 0.2));
        $bench->tick(3.0); // this process was stopped
        self::assertEquals([], $bench->written($link));
        $bench->tick(3.3);
        self::assertInstanceOf(Ping::class, $bench->written($link)[0]);
        $bench->tick(3.4);
        self::assertFalse($link->isEnded);
        $bench->tick(3.6);
        self::assertTrue($link->isEnded);
    }

    public function testWhileTheSocketIsLeftUnreadItsEndIsLookedForEverySecond(): void
    {
        $bench = new Bench(new Options(eventsBytes: 1000));
        $link = $bench->welcome();
        $bench->core->subscribing->subscribe(['room'], [], $bench->recorder->future());
        $bench->written($link);
        $bench->say($link, new Reply(1, Outcome::OK));
        foreach (\range(1, 3) as $number) {
            $bench->say($link, new Message('room', \str_repeat("$number", 500)));
        }
        self::assertFalse($link->isReading);
        $bench->core->actions = [];
        for ($count = 1; $count <= 2; $count++) {
            $due = $bench->core->timers->dueAt('watch');
            self::assertTrue($due <= Clock::now() + 1);
            $bench->core->tick($due);
            self::assertSame($count, \count($bench->core->actions));
            self::assertSame([Action::Check, $link], $bench->core->actions[$count - 1]);
        }
    }

    public function testWhatIsToldAsUnknownIsWhatWasNotSettled(): void
    {
        $bench = new Bench();
        $link = $bench->welcome();
        foreach (\range(1, 5) as $number) {
            $bench->core->publishing->send('room', "$number");
        }
        $bench->tick(1.1);
        $frames = $bench->written($link);
        self::assertEquals(new Ping(1, true), $frames[5]);
        $bench->core->publishing->send('room', '6');
        $bench->say($link, new Loss(publishes: 1, cause: Cause::INVALID), new Reply(1, Outcome::OK));
        $bench->core->publishing->send('room', '7');
        $bench->written($link);
        $bench->core->publishing->send('room', '8'); // is not written
        $bench->events();
        $bench->core->ended($link, 'gone');
        $losses = \array_values(\array_filter($bench->events(), static fn ($event) => $event instanceof Loss));
        self::assertSame([1], \array_column($losses, 'publishes'));
        self::assertSame([2], \array_column($losses, 'publishesUnknown'));
        self::assertSame([Cause::NO_RELAY], \array_column($losses, 'cause'));
        self::assertSame(4, $bench->counters->lostPublishes);
    }

    public function testBoundsOfPublishes(): void
    {
        $bench = new Bench(new Options(unanswered: 2, unsentBytes: 16_000));
        $link = $bench->welcome();
        $futures = [];
        foreach (\range(0, 2) as $number) {
            $futures[] = $future = $bench->recorder->future();
            $bench->core->publishing->publish('room', "$number", $future);
        }
        self::assertThrows(CongestedException::class, static fn () => $bench->core->publishing->publish(
            'room',
            'x',
            $bench->recorder->future(),
            false,
        ));
        self::assertSame(2, \count($bench->written($link)));
        $bench->say($link, new Reply(1, Outcome::OK));
        self::assertEquals([new Publish('room', '2', 3)], $bench->written($link));
        $bench->core->publishing->send('room', \str_repeat('x', 2000)); // an empty queue takes any
        self::assertThrows(CongestedException::class, static fn () => $bench->core->publishing->send('room', 'x'));
        self::assertThrows(InvalidException::class, static fn () => $bench->core->publishing->send(
            'room',
            \str_repeat('x', 90_001),
        ));
    }

    public function testAMoveWithAFenceMissesNothing(): void
    {
        $this->checkMove(true);
        $this->checkMove(false);
    }

    private function checkMove(bool $isNewFirst): void
    {
        [$bench, $old, $listener] = $this->listening();
        $bench->say($old, new Status(State::STOPPING, publishing: true, receiving: true));
        $new = $bench->open();
        $bench->say($new, new \Hubrelay\Internal\Frame\Welcome(
            1,
            '',
            'b',
            100_000,
            Bench::up(),
            90_000,
            ['settled', 'fence'],
        ));
        [, $restore, $fenceHere] = $bench->written($new);
        [$fenceThere] = $bench->written($old);
        self::assertEquals(['room'], $restore->channels);
        self::assertSame($fenceHere->channels, $fenceThere->channels);
        $fence = $fenceHere->channels[0];
        $bench->say($old, new Reply($fenceThere->id, Outcome::OK), new Message('room', '41'));
        $bench->say($new, new Reply($restore->id, Outcome::OK), new Reply($fenceHere->id, Outcome::OK));
        [$publish] = $bench->written($new);
        self::assertSame($fence, $publish->channel);
        foreach ($isNewFirst ? [$new, $old] : [$old, $new] as $link) {
            $bench->say($link, new Message('room', '42'), new Message($fence), new Message('room', '43'));
        }
        $bench->say($new, new Message('room', '44'));
        $payloads = [];
        while (($event = $listener->queue->take()) !== null) {
            $payloads[] = $event->payload;
        }
        self::assertSame(['41', '42', '43', '44'], $payloads);
        self::assertTrue($old->shutWhenWritten);
        $future = $bench->recorder->future();
        $bench->core->publishing->publish('room', 'x', $future);
        $bench->written($new);
        self::assertFalse($future->isSettled());
        $bench->core->ended($old, 'the end'); // publishes have waited for that
        self::assertSame(['room', 'x'], \array_slice(\array_values((array) $bench->written($new)[0]), 0, 2));
        $bench->tick(10);
        self::assertSame(null, $listener->queue->take());
    }

    public function testWithoutASuccessorTheOldRelayIsLeftInOrder(): void
    {
        [$bench, $old] = $this->listening();
        $future = $bench->recorder->future();
        $bench->core->publishing->publish('room', 'x', $future);
        [$publish] = $bench->written($old);
        $bench->say($old, new Status(State::STOPPING, publishing: true, receiving: true));
        $bench->core->failed($bench->open(), 'refused');
        self::assertFalse($old->shutWhenWritten);
        $bench->tick(0.3);
        self::assertTrue($old->shutWhenWritten);
        self::assertFalse($bench->core->telling->status->connected);
        $bench->say($old, new Reply($publish->id, Outcome::OK, 1));
        self::assertSame(1, $future->await());
    }

    public function testTheEndOfAConnection(): void
    {
        [$bench, $link] = $this->listening();
        [$written, $unwritten] = [$bench->recorder->future(), $bench->recorder->future()];
        $bench->core->publishing->publish('room', 'x', $written);
        $bench->written($link);
        $bench->core->publishing->publish('room', 'y', $unwritten);
        $bench->core->ended($link, 'gone');
        self::assertInstanceOf(InterruptedException::class, Recorder::errorOf($written));
        self::assertInstanceOf(NotConnectedException::class, Recorder::errorOf($unwritten));
        self::assertThrows(NotConnectedException::class, static fn () => $bench->core->publishing->publish(
            'room',
            'z',
            $bench->recorder->future(),
        ));
    }

    public function testTimers(): void
    {
        $timers = new Timers();
        $timers->set('late', 2.0);
        $timers->set('early', 1.0);
        $now = \hrtime(true) / 1e9;
        self::assertTrue(\abs($timers->deadline - $now - 1) < 0.5);
        self::assertSame(['early'], \array_keys(\iterator_to_array($timers->takeDue($now + 1.5))));
        self::assertSame(['late'], \array_keys(\iterator_to_array($timers->takeDue($now + 2.5))));
        self::assertSame(null, $timers->deadline);
    }

    public function testOptionsBelowZero(): void
    {
        self::assertThrows(\ValueError::class, static fn () => new Options(gapJitter: -1.0));
        self::assertThrows(\ValueError::class, static fn () => new Options(drain: \NAN));
        self::assertThrows(InvalidException::class, static fn () => new \Hubrelay\Client(name: \str_repeat('é', 33)));
        self::assertThrows(InvalidException::class, static fn () => new \Hubrelay\Publisher(name: "\xFF"));
    }
}
