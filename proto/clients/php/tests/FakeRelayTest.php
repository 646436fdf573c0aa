<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Cause;
use Hubrelay\Client;
use Hubrelay\Counters;
use Hubrelay\Event;
use Hubrelay\Exception\ClosedException;
use Hubrelay\Exception\CongestedException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Exception\RefusedException;
use Hubrelay\Gap;
use Hubrelay\Hooks;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Options;
use Hubrelay\Outcome;
use Hubrelay\Revoked;
use Hubrelay\State;
use Hubrelay\Status;
use Hubrelay\Testing\FakeRelay;
use Hubrelay\Testing\Glob;
use Psr\Log\LoggerInterface;

/**
 * The real Client and Publisher on a FakeRelay.
 */
final class FakeRelayTest extends TestCase
{
    private FakeRelay $relay;

    private function client(Options $options = new Options(gapJitter: 0.0)): Client
    {
        $this->relay = new FakeRelay();
        $client = $this->relay->client('test', $options);
        $this->cleanUp(static fn () => $client->close());

        return $client;
    }

    /** The next event of a kind, for which it is waited. */
    private static function next(\Hubrelay\EventStream $stream, string $class): Event
    {
        do {
            $event = $stream->next(30);
            self::assertTrue($event !== null, "no $class came");
        } while (!$event instanceof $class);

        return $event;
    }

    public function testAMessageIsPublishedAndHeard(): void
    {
        $client = $this->client();
        $room = $client->listen('room.7');
        self::assertFalse($room->wasPending());
        self::assertSame(1, $client->publish('room.7', 'hello'));
        self::assertEquals(new Message('room.7', 'hello'), $room->next(30));
        $this->relay->publish('room.7', 'from another host');
        self::assertEquals(new Message('room.7', 'from another host'), $room->next(30));
        self::assertEquals([new Message('room.7', 'hello')], $this->relay->published);
        self::assertSame(null, $room->next(0.0));
    }

    public function testPatterns(): void
    {
        $client = $this->client();
        $rooms = $client->listenPattern('room.*');
        $client->send('room.é', "\xFF");
        self::assertEquals(new Message('room.é', "\xFF", 'room.*'), $rooms->next(30));
    }

    public function testSeveralListenToOneChannel(): void
    {
        $client = $this->client();
        $one = $client->listen('room');
        $other = $client->listen('room', 'hall');
        self::assertSame(1, $this->relay->publish('room', 'x'));
        self::assertEquals(new Message('room', 'x'), $one->next(30));
        self::assertEquals(new Message('room', 'x'), $other->next(30));
        $one->close();
        self::assertSame(null, $one->next(30));
        $this->relay->publish('room', 'y');
        self::assertEquals(new Message('room', 'y'), $other->next(30));
        $this->relay->publish('room', 'untaken');
        $client->ping();
        $other->close();
        self::assertSame(null, $other->next(0.0));
        $client->ping();
        self::assertSame(0, $this->relay->publish('room', 'z'));
    }

    public function testAnOutage(): void
    {
        $client = $this->client();
        $room = $client->listen('room');
        $this->relay->outage();
        self::assertSame(0, $this->relay->publish('room', 'missed'));
        self::next($client->events(), Status::class);
        $status = self::next($client->events(), Status::class);
        self::assertSame([State::DOWN, Cause::CLOSED], [$status->state, $status->cause]);
        self::assertThrows(NotConnectedException::class, static fn () => $client->publish('room', 'x'));
        self::assertSame(Outcome::PENDING, $client->subscribe(['other']));
        $this->relay->recover();
        self::assertInstanceOf(Gap::class, $room->next(30));
        self::assertSame(State::UP, $client->status()->state);
        self::assertSame(['NotConnected' => 1], $client->counters->failed);
    }

    public function testARelayThatDiesAndComesBack(): void
    {
        $client = $this->client(new Options(gapJitter: 0.0, backoffMin: 0.001, backoffMax: 0.005));
        $room = $client->listen('room');
        $this->relay->leave();
        while ($client->status()->connected) {
            $client->tick(1);
        }
        $error = self::assertThrows(NotConnectedException::class, static fn () => $client->publish('room', 'x'));
        self::assertTrue(\str_contains($error->getMessage(), 'relay'));
        self::assertThrows(NotConnectedException::class, static fn () => $client->send('room', 'x'));
        self::assertThrows(NotConnectedException::class, static fn () => $client->ready(0.01));
        $late = $client->listen('late');
        self::assertTrue($late->wasPending());
        $this->relay->comeBack();
        $client->ready(30);
        self::assertInstanceOf(Gap::class, self::next($room, Gap::class));
        self::assertInstanceOf(Gap::class, self::next($late, Gap::class));
        self::assertSame(1, $client->publish('late', 'x'));
        self::assertEquals(new Message('late', 'x'), $late->next(30));
        self::assertSame(1, $client->counters->reconnects);
    }

    public function testNamesThatAreKeysOfAnArray(): void
    {
        $client = $this->client();
        $rooms = ['7' => true, 'x' => true];
        self::assertSame(Outcome::OK, $client->subscribe(\array_keys($rooms)));
        $room = $client->listenAsync(\array_keys($rooms))->await();
        self::assertSame(['7', 'x'], $room->channels);
        self::assertSame(1, $this->relay->publish('7', 'hello'));
        self::assertEquals(new Message('7', 'hello'), $room->next(30));
        self::assertEquals(new Message('7', 'hello'), self::next($client->events(), Message::class));
        self::assertSame(Outcome::OK, $client->unsubscribe(\array_keys($rooms)));
        self::assertThrows(\TypeError::class, static fn () => $client->listenAsync([null]));
    }

    public function testASubscriptionThatNobodyHasEndsUnlessItHasAHandler(): void
    {
        $client = $this->client();
        $first = static function () use ($client): Event {
            foreach ($client->listen('room') as $event) {
                return $event;
            }
        };
        $reading = $client->spawn($first);
        $heard = [];
        $client->listen('other')->onEvent(static function (Event $event) use (&$heard): void {
            $heard[] = $event;
        });
        while ($this->relay->publish('room', 'x') === 0) {
            $client->tick(1);
        }
        self::assertEquals(new Message('room', 'x'), $reading->await(30));
        $client->tick();
        \gc_collect_cycles();
        $client->ping();
        self::assertSame(0, $this->relay->publish('room', 'y'));
        self::assertSame(1, $this->relay->publish('other', 'x'));
        $client->ping();
        $client->tick();
        self::assertEquals([new Message('other', 'x')], $heard);
        $other = $client->listen('room');
        $other->onEvent(static fn () => null);
        $other->onEvent(null);
        $other = null;
        $client->tick(); // which has it as long as it may have to call its handler
        $client->ping();
        self::assertSame(0, $this->relay->publish('room', 'z'));
    }

    public function testRefusedAndRevoked(): void
    {
        $client = $this->client();
        $room = $client->listen('room', 'hall');
        $this->relay->refuse('secret');
        $error = self::assertThrows(RefusedException::class, static fn () => $client->listen('open', 'secret'));
        self::assertSame(['secret'], $error->channels);
        self::assertSame(['NOPERM', Outcome::REFUSED], [$error->getMessage(), $error->outcome]);
        self::assertThrows(RefusedException::class, static fn () => $client->publish('secret', 'x'));
        self::assertSame(0, $this->relay->publish('open', 'x'));
        $this->relay->publish('room', 'before');
        $this->relay->revoke('room');
        self::assertEquals(
            [new Message('room', 'before'), new Revoked(['room'], [], 'NOPERM')],
            \iterator_to_array($room, false),
        );
        self::assertEquals(new Revoked(['room'], [], 'NOPERM'), self::next($client->events(), Revoked::class));
    }

    public function testALossIsFollowedByAGap(): void
    {
        $client = $this->client();
        $room = $client->listen('room');
        $this->relay->lose(3);
        self::assertSame(3, self::next($room, Loss::class)->messages);
        self::assertInstanceOf(Gap::class, $room->next(30));
        self::assertSame(3, $client->counters->lostMessages);
    }

    public function testLargePayloadsAndManyMessages(): void
    {
        $client = $this->client();
        $room = $client->listen('room');
        foreach (\range(0, 2) as $number) {
            $client->publish('room', \str_repeat((string) $number, 1 << 20));
        }
        foreach (\range(0, 2) as $number) {
            self::assertTrue($room->next(30)->payload === \str_repeat((string) $number, 1 << 20));
        }
        foreach (\range(0, 999) as $number) {
            $client->send('room', (string) $number);
        }
        foreach (\range(0, 999) as $number) {
            self::assertSame((string) $number, $room->next(30)->payload);
        }
        while ($client->events()->next(0.0) !== null) {
        }
        self::assertSame(0, $client->counters->queuedBytes);
    }

    public function testASubscriptionThatIsNotRead(): void
    {
        $client = $this->client(new Options(eventsBytes: 10_000));
        $full = $client->listen('room');
        $other = $client->listen('other');
        foreach (\range(0, 99) as $number) {
            $client->publish('room', \str_repeat('x', 900));
        }
        $client->publish('other', 'x');
        self::assertEquals(new Message('other', 'x'), $other->next(30));
        $events = [];
        while (($event = $full->next(0.0)) !== null) {
            $events[] = $event;
        }
        self::assertInstanceOf(Gap::class, \array_pop($events));
        $loss = \array_pop($events);
        self::assertTrue($loss->local);
        self::assertSame(100, \count($events) + $loss->messages);
        self::assertSame(9, \count($events));
    }

    public function testHandlersAreCalledInTurns(): void
    {
        $client = $this->client();
        $heard = [];
        $client->listen('room')->onEvent(function (Message $message) use (&$heard, $client): void {
            $heard[] = $message->payload;
            if ($message->payload === 'one') {
                $client->publish('room', 'two'); // waits within a handler
                $heard[] = 'published';
            } else {
                $client->stop();
            }
        });
        $client->publish('room', 'one');
        self::assertSame([], $heard);
        $client->run();
        self::assertSame(['one', 'published', 'two'], $heard);
    }

    public function testWhatAHandlerThrowsComesOutOfTick(): void
    {
        $client = $this->client();
        $room = $client->listen('room')->onEvent(static fn () => throw new \DomainException('mine'));
        $client->publish('room', 'one');
        $client->publish('room', 'two');
        $client->publish('room', 'three');
        self::assertThrows(\DomainException::class, static fn () => $client->tick());
        self::assertThrows(\DomainException::class, static fn () => $client->tick());
        $room->onEvent(null);
        self::assertEquals(new Message('room', 'three'), $room->next(30));
    }

    public function testAHandlerIsNotCalledWithinItself(): void
    {
        $client = $this->client();
        $calls = [];
        $client->listen('room')->onEvent(static function (Message $message) use (&$calls, $client): void {
            $calls[] = "begin $message->payload";
            if ($message->payload === 'one') {
                $client->publish('room', 'two');
            }
            $client->tick();
            $calls[] = "end $message->payload";
        });
        $client->publish('room', 'one');
        $client->tick();
        self::assertSame(['begin one', 'end one', 'begin two', 'end two'], $calls);
    }

    public function testGivingUpWhatWaitsForRoom(): void
    {
        $client = $this->client(new Options(unanswered: 1));
        $client->ready(30);
        $one = $client->publishAsync('room', 'one');
        $other = $client->publishAsync('room', 'other');
        $third = $client->publishAsync('room', 'x', false);
        self::assertThrows(CongestedException::class, static fn () => $third->await());
        $other->cancel();
        self::assertThrows(CongestedException::class, static fn () => $other->await());
        self::assertSame(0, $one->await(30));
        self::assertSame(1, \count($this->relay->published));
    }

    public function testFibers(): void
    {
        $client = $this->client();
        $said = [];
        $listener = $client->spawn(function () use ($client, &$said): string {
            foreach ($client->listen('room') as $event) {
                $said[] = $event->payload;
                if ($event->payload === 'end') {
                    return 'ended';
                }
            }
        });
        $client->spawn(function () use ($client): void {
            $client->publish('other', 'x'); // so that the listener has begun
            foreach (['a', 'b', 'end'] as $word) {
                $client->publish('room', $word, 30.0);
            }
        });
        self::assertSame('ended', $listener->await(30));
        self::assertSame(['a', 'b', 'end'], $said);
    }

    public function testATimeoutInAFiberAndATaskForWhichNobodyWaits(): void
    {
        $client = $this->client();
        $room = $client->listen('room');
        self::assertSame(null, $client->spawn(static fn () => $room->next(0.001))->await(30));
        $client->spawn(static fn () => throw new \DomainException('mine'));
        self::assertThrows(\DomainException::class, static fn () => $client->tick());
        $failing = $client->spawn(static fn () => throw new \DomainException('mine'));
        self::assertThrows(\DomainException::class, static fn () => $failing->await(30));
        $client->tick();
    }

    public function testGivingUp(): void
    {
        $client = $this->client();
        $client->ready(30);
        $future = $client->publishAsync('room', 'x');
        $future->cancel();
        self::assertThrows(InterruptedException::class, static fn () => $future->await());
        self::assertSame(0, $client->publish('room', 'y'));
        self::assertSame(['Interrupted' => 1], $client->counters->failed);
    }

    public function testCloseAndWhatComesAfter(): void
    {
        $client = $this->client();
        $room = $client->listen('room');
        $client->send('room', 'x');
        $client->close();
        self::assertSame(1, \count($this->relay->published));
        self::assertSame(null, $room->next(30)); // what comes after `close` was called is discarded
        self::assertTrue($room->isEnded());
        self::assertThrows(ClosedException::class, static fn () => $client->publish('room', 'x'));
        self::assertThrows(ClosedException::class, static fn () => $client->listen('room'));
        $client->close();
        $client->tick();
    }

    public function testHooks(): void
    {
        $hooks = new class extends Hooks {
            /** @var list<mixed> */
            public array $calls = [];

            public function beforePublish(string $channel, string $payload): mixed
            {
                return "$channel $payload";
            }

            public function afterPublish(mixed $context, ?int $receivers, ?\Throwable $error): void
            {
                $this->calls[] = [$context, $receivers, $error === null ? null : $error::class];
            }

            public function beforeDelivery(Message $message): void
            {
                $this->calls[] = "before $message->payload";
            }

            public function afterDelivery(Message $message): void
            {
                $this->calls[] = "after $message->payload";
            }
        };
        $relay = new FakeRelay();
        $client = new Client('fake', hooks: $hooks, connector: $relay);
        $room = $client->listen('room');
        $client->publish('room', 'one');
        $client->send('room', 'two');
        self::assertThrows(\Hubrelay\Exception\InvalidException::class, static fn () => $client->publish('', ''));
        $room->next(30);
        $room->next(30);
        $room->close();
        self::assertSame([
            ['room one', 1, null], ['room two', null, null], [' ', null, \Hubrelay\Exception\InvalidException::class],
            'before one', 'after one', 'before two', 'after two',
        ], $hooks->calls);
        $client->close();
    }

    public function testAPublisher(): void
    {
        $relay = new FakeRelay();
        $publisher = $relay->publisher();
        self::assertSame(0, $publisher->publish('room', 'one'));
        $futures = [$publisher->publishAsync('room', 'two'), $publisher->publishAsync('room', 'three')];
        self::assertSame([0, 0], \array_map(static fn ($future) => $future->await(), $futures));
        $relay->disconnect();
        self::assertSame(0, $publisher->publish('room', 'four'));
        $publisher->send('room', 'five');
        $publisher->close();
        self::assertSame(
            ['one', 'two', 'three', 'four', 'five'],
            \array_map(static fn (Message $message): string => $message->payload, $relay->published),
        );
        self::assertThrows(ClosedException::class, static fn () => $publisher->publish('room', 'x'));
    }

    public function testAPublisherWithoutARelay(): void
    {
        $counters = new Counters();
        $publisher = new \Hubrelay\Publisher('/nowhere/relay.sock', counters: $counters);
        $error = self::assertThrows(NotConnectedException::class, static fn () => $publisher->publish('room', 'x'));
        $text = $error->getMessage();
        self::assertTrue(\str_contains($text, '/nowhere/relay.sock: No such file'), $text);
        self::assertThrows(NotConnectedException::class, static fn () => $publisher->send('room', 'x'));
        self::assertSame(['NotConnected' => 2], $counters->failed);
    }

    public function testInAnotherLoop(): void
    {
        $client = $this->client();
        $client->ready(30);
        $client->tick();
        $calls = 0;
        $client->onInterest(static function () use (&$calls): void {
            $calls++;
        });
        self::assertSame([1, 0], [\count($client->interest()['read']), \count($client->interest()['write'])]);
        $future = $client->publishAsync('room', 'one');
        $client->send('room', 'two');
        self::assertTrue($calls > 0);
        self::assertSame(1, \count($client->interest()['write'])); // both will be one write
        self::assertSame(0, \count($this->relay->published));
        $calls = 0;
        while (!$future->isSettled()) {
            $client->tick();
        }
        self::assertSame([2, 0], [\count($this->relay->published), $calls]);
        $future->onSettled(static fn () => $client->stop());
        self::assertSame(0.0, $client->interest()['seconds']);
        self::assertSame(1, $calls);
        $client->tick();
        self::assertTrue($client->interest()['seconds'] > 0);
        $client->onInterest(null);
    }

    public function testALogHasOneLineForEachChange(): void
    {
        if (!\interface_exists(LoggerInterface::class)) {
            eval('namespace Psr\Log; interface LoggerInterface {}');
        }
        $logger = new class implements LoggerInterface {
            /** @var list<string> */
            public array $lines = [];

            public function info(string $text): void
            {
                $this->lines[] = $text;
            }

            public function warning(string $text): void
            {
                $this->lines[] = $text;
            }
        };
        $relay = new FakeRelay();
        $options = new Options(backoffMin: 0.001, backoffMax: 0.001);
        $client = new Client('fake', '', $options, $logger, connector: $relay);
        $client->ready(30);
        $relay->leave();
        while ($client->status()->connected) {
            $client->tick(1);
        }
        foreach (\range(1, 20) as $attempt) {
            $client->tick(0.005);
        }
        $relay->comeBack();
        $client->ready(30);
        self::assertSame([
            'connected to relay fake-1, version fake',
            'not connected to a relay: the relay closed the connection',
            'cannot connect to a relay: the fake relay is away',
            'connected to relay fake-2, version fake',
        ], $logger->lines);
        $client->close();
    }

    public function testWhatIsSaidWhenThereIsNoSocket(): void
    {
        $file = \tempnam(\sys_get_temp_dir(), 'hubrelay-');
        $this->cleanUp(static fn () => \unlink($file));
        $reasons = [$file => 'Connection refused', \str_repeat('x', 108) => '1 to 107 bytes', '' => '1 to 107 bytes'];
        foreach ($reasons as $path => $why) {
            $client = new Client((string) $path, options: new Options(backoffMin: 0.001));
            $error = self::assertThrows(NotConnectedException::class, static fn () => $client->ready(0.01));
            self::assertTrue(\str_contains($error->getMessage(), "$path: "), $error->getMessage());
            self::assertTrue(\str_contains($error->getMessage(), $why), $error->getMessage());
            $client->close();
        }
    }

    public function testTheEndOfASocketThatIsLeftUnreadIsNoticed(): void
    {
        $client = $this->client(new Options(gapJitter: 0.0, eventsBytes: 2000, pingOwed: 0.01, pingIdle: 0.01));
        $client->subscribe(['room']);
        foreach (\range(0, 99) as $number) {
            $this->relay->publish('room', (string) $number);
            $client->tick();
        }
        self::assertSame([], $client->interest()['read']);
        $this->relay->disconnect();
        for ($deadline = \hrtime(true) + 30e9; $client->status()->connected; $client->tick(0.01)) {
            self::assertTrue(\hrtime(true) < $deadline, 'it was not noticed');
        }
        $told = 0;
        while (($event = $client->events()->next(0.0)) !== null) {
            $told += $event instanceof Message ? 1 : ($event instanceof Loss ? $event->messages : 0);
        }
        self::assertSame(100, $told); // what lay in the socket has come, or is counted
    }

    public function testDescriptorsForWhichPhpCannotWait(): void
    {
        $files = [];
        while (\count($files) < 1100 && ($file = @\fopen('/dev/null', 'r')) !== false) {
            $files[] = $file;
        }
        if (\count($files) < 1100) {
            return; // this process may not have so many
        }
        $client = $this->client();
        $room = $client->listen('room');
        self::assertSame(1, $client->publish('room', 'x', 30.0));
        self::assertEquals(new Message('room', 'x'), $room->next(30));
        self::assertSame(null, $room->next(0.005));
    }

    public function testPatternsOfRedis(): void
    {
        foreach (
            [
                ['room.*', 'room.7', true], ['room.?', 'room.77', false], ['caf?', 'café', false],
                ['caf??', 'café', true], ['[ab]c', 'bc', true], ['[^ab]c', 'bc', false], ['[a-c]', 'b', true],
                ['[c-a]', 'b', true], ['\\*', '*', true], ['\\*', 'x', false], ['[\\]]', ']', true], ['[]', 'x', false],
                ['a.c', 'abc', false], ['*', "a\nb", true], ['a/b', 'a/b', true], ['', '', true],
            ] as [$pattern, $channel, $expected]
        ) {
            self::assertSame($expected, Glob::matches($pattern, $channel), "$pattern $channel");
        }
    }
}
