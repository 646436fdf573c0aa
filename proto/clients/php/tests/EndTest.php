<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Cause;
use Hubrelay\Event;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Gap;
use Hubrelay\Internal\Clock;
use Hubrelay\Internal\EventQueue;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\Internal\Link;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Options;
use Hubrelay\Outcome;
use Hubrelay\State;
use Hubrelay\Status;

/**
 * How connections end, that of a successor before it serves among them; without sockets.
 */
final class EndTest extends TestCase
{
    private static function stopping(): Status
    {
        return new Status(State::STOPPING, publishing: true, receiving: true, cause: Cause::STOPPING);
    }

    /**
     * A client that listens to "room" and whose relay is stopping.
     *
     * @return array{Bench, Link, EventQueue}
     */
    private function moving(): array
    {
        $bench = new Bench(new Options(gapJitter: 0.0));
        $old = $bench->welcome();
        $listener = $bench->listener();
        $bench->core->subscribing->listen($listener, ['room'], [], $bench->recorder->future());
        $this->answerAll($bench, $old);
        $bench->say($old, self::stopping());
        $bench->events();

        return [$bench, $old, $listener->queue];
    }

    private function answerAll(Bench $bench, Link $link): void
    {
        while (($frames = $bench->written($link)) !== []) {
            foreach ($frames as $frame) {
                $bench->say($link, new Reply($frame->id, Outcome::OK));
            }
        }
    }

    /** The next connection, asked for nothing yet that the test has read. */
    private function successor(Bench $bench, string $relay = 'b'): Link
    {
        $link = $bench->open();
        $welcome = new Welcome(1, '', $relay, 100_000, Bench::up(), 90_000, ['settled', 'fence']);
        $bench->written($link);
        $bench->say($link, $welcome);

        return $link;
    }

    /**
     * @return list<Event>
     */
    private static function all(EventQueue $queue): array
    {
        $events = [];
        while (($event = $queue->take()) !== null) {
            $events[] = $event;
        }

        return $events;
    }

    public function testTheOldStatusIsToldAgainWhenTheSuccessorEndsIfAnotherWasToldSince(): void
    {
        foreach ([true, false] as $isTold) {
            [$bench, $old, $queue] = $this->moving();
            $next = $this->successor($bench);
            if ($isTold) {
                $this->answerAll($bench, $next);
            }
            $bench->core->ended($next, 'gone');
            $states = \array_column($bench->events(), 'state');
            self::assertSame($isTold ? [State::UP, State::STOPPING] : [], $states);
            self::assertSame(State::STOPPING, $bench->core->telling->status->state);
            self::assertSame($old, $bench->core->connections->serving());
            self::assertSame(null, $bench->core->timers->dueAt('gap'));
            self::assertSame([], self::all($queue));
        }
    }

    public function testASuccessorThatSaysStoppingIsClosedAndTheOldOneGoesOn(): void
    {
        [$bench, $old, $queue] = $this->moving();
        $next = $this->successor($bench);
        $bench->say($next, self::stopping());
        self::assertTrue($next->isEnded);
        self::assertSame($old, $bench->core->connections->serving());
        self::assertFalse($old->shutWhenWritten);
        $due = $bench->core->timers->dueAt('successor');
        self::assertTrue($due !== null && $due <= Clock::now() + 0.25);
        $bench->say($old, new Message('room', 'goes on'));
        self::assertEquals([new Message('room', 'goes on')], self::all($queue));
        self::assertSame([], $bench->events());
        $bench->core->tick($bench->core->timers->dueAt('attempt'));
        self::assertSame($this->successor($bench, 'c'), $bench->core->connections->nextServing());
    }

    public function testWhatARelayThatWasLeftHasNotAnsweredIsPendingAndAskedForAtTheNextOne(): void
    {
        [$bench, $old, $queue] = $this->moving();
        [$subscribe, $unsubscribe] = [$bench->recorder->future(), $bench->recorder->future()];
        $bench->core->subscribing->subscribe(['late'], [], $subscribe);
        $bench->core->subscribing->unsubscribe(['other'], [], $unsubscribe);
        $bench->written($old);
        $bench->core->tick($bench->core->timers->dueAt('successor'));
        $next = $this->successor($bench);
        $this->answerAll($bench, $next);
        $bench->core->tick($bench->core->timers->dueAt('gap'));
        $bench->core->ended($old, 'gone');
        self::assertSame([Outcome::PENDING, Outcome::OK], [$subscribe->await(), $unsubscribe->await()]);
        $this->answerAll($bench, $next);
        $bench->core->tick($bench->core->timers->dueAt('gap'));
        self::assertSame([Gap::class, Gap::class], \array_map(\get_class(...), self::all($queue)));
    }

    public function testWhatWaitsForTheNextConnectionIsInTheSameLossWhenThatEnds(): void
    {
        $bench = new Bench();
        $bench->say($bench->welcome(), self::stopping());
        $next = $this->successor($bench);
        $bench->core->publishing->send('room', 'waits until the old connection has ended');
        $bench->core->ended($next, 'gone');
        $losses = \array_values(\array_filter($bench->events(), static fn ($event) => $event instanceof Loss));
        self::assertSame([1], \array_column($losses, 'publishes'));
        self::assertSame([Cause::NO_RELAY], \array_column($losses, 'cause'));
    }

    public function testAfterAnEndInOrderNothingIsUnknownAfterAnotherOneItIs(): void
    {
        foreach ([false, true] as $hasFailed) {
            $bench = new Bench();
            $old = $bench->welcome('a', []);
            $bench->core->publishing->send('room', 'x');
            $bench->say($old, self::stopping());
            $this->successor($bench);
            $bench->written($old);
            self::assertTrue($old->shutWhenWritten);
            $old->isShut = true;
            $bench->core->ended($old, 'closed', $hasFailed);
            $losses = \array_filter($bench->events(), static fn ($event) => $event instanceof Loss);
            self::assertSame($hasFailed ? [1] : [], \array_column($losses, 'publishesUnknown'));
        }
    }

    public function testAPingFailsAsAPublishDoes(): void
    {
        $bench = new Bench();
        $link = $bench->welcome();
        $pings = [];
        foreach ([InterruptedException::class, NotConnectedException::class] as $error) {
            $bench->written($link);
            foreach ([false, true] as $settled) {
                $pings[] = [$future = $bench->recorder->future(), $error];
                $bench->core->ping($future, $settled);
            }
            if ($error === InterruptedException::class) {
                $bench->written($link);
            }
        }
        $bench->core->ended($link, 'gone');
        foreach ($pings as [$future, $error]) {
            self::assertInstanceOf($error, Recorder::errorOf($future));
        }
    }

    public function testNoEventTellsOfTheEndThatTheApplicationHasAskedFor(): void
    {
        foreach ([true, false] as $isConnected) {
            $bench = new Bench();
            if ($isConnected) {
                $bench->welcome();
            }
            $bench->events();
            $bench->core->close(null, $bench->recorder->future());
            self::assertSame([], $bench->events());
            self::assertTrue($bench->core->isClosed);
            self::assertSame(Cause::NO_RELAY, $bench->core->telling->status->cause);
        }
    }
}
