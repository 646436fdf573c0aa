<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Client;
use Hubrelay\Exception\ClosedException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Hooks;
use Hubrelay\Message;
use Hubrelay\Options;
use Hubrelay\Testing\FakeRelay;
use Psr\Log\LoggerInterface;

/**
 * Turns of the loop, its end, and what the application's own code does in it: throws, stops, closes, forks.
 */
final class LoopTest extends TestCase
{
    private FakeRelay $relay;

    private function client(?LoggerInterface $logger = null, ?Hooks $hooks = null): Client
    {
        $this->relay = new FakeRelay();
        $options = new Options(gapJitter: 0.0, backoffMin: 0.001);
        $client = new Client('fake', '', $options, $logger, hooks: $hooks, connector: $this->relay);
        $this->cleanUp(static fn () => $client->close());

        return $client;
    }

    public function testALoggerThatThrowsCostsItsLineOnly(): void
    {
        if (!\interface_exists(LoggerInterface::class)) {
            eval('namespace Psr\Log; interface LoggerInterface {}');
        }
        $client = $this->client(new class implements LoggerInterface {
            public function info(string $text): void
            {
                throw new \DomainException('the disk is full');
            }

            public function warning(string $text): void
            {
                throw new \DomainException('the disk is full');
            }
        });
        $client->ready(30);
        $this->relay->disconnect();
        while ($client->status()->connected) {
            $client->tick(1);
        }
        $client->ready(30);
        self::assertSame(0, $client->publish('room', 'x', 30.0));
    }

    public function testAHookThatThrowsCostsNothingElse(): void
    {
        $client = $this->client(hooks: new class extends Hooks {
            public function beforePublish(string $channel, string $payload): mixed
            {
                return $payload === 'one' ? throw new \DomainException('before') : $payload;
            }

            public function afterPublish(mixed $context, ?int $receivers, ?\Throwable $error): void
            {
                if ($context === 'two') {
                    throw new \DomainException('after');
                }
            }

            public function afterDelivery(Message $message): void
            {
                throw new \DomainException('delivered');
            }
        });
        $client->ready(30);
        $futures = [];
        foreach (['one', 'two', 'three'] as $payload) {
            $futures[] = $client->publishAsync('room', $payload);
        }
        $thrown = [];
        while (!$futures[2]->isSettled() || \count($thrown) < 2) {
            try {
                $client->tick(1);
            } catch (\DomainException $error) {
                $thrown[] = $error->getMessage();
            }
        }
        self::assertSame(['before', 'after'], $thrown);
        self::assertSame([0, 0, 0], \array_map(static fn ($future) => $future->await(), $futures));
        $room = $client->listen('room');
        $this->relay->publish('room', 'x');
        self::assertEquals(new Message('room', 'x'), $room->next(30));
        self::assertThrows(\DomainException::class, static fn () => $room->next(0.0));
    }

    public function testAfterDeliveryIsCalledAlsoIfTheHandlerThrows(): void
    {
        $hooks = new class extends Hooks {
            /** @var list<string> */
            public array $delivered = [];

            public function afterDelivery(Message $message): void
            {
                $this->delivered[] = $message->payload;
            }
        };
        $client = $this->client(hooks: $hooks);
        $client->listen('room')->onEvent(static fn () => throw new \DomainException('mine'));
        $client->publish('room', 'x', 30.0);
        self::assertThrows(\DomainException::class, static fn () => $client->tick());
        self::assertSame(['x'], $hooks->delivered);
    }

    public function testACallbackForAnotherLoopThatThrowsCostsNothingElse(): void
    {
        $client = $this->client();
        $client->ready(30);
        $client->onInterest(static fn () => throw new \DomainException('mine'));
        $future = $client->publishAsync('room', 'x');
        self::assertThrows(\DomainException::class, static fn () => $client->tick());
        $client->onInterest(null);
        self::assertSame(0, $future->await(30));
    }

    public function testWhatIsNobodysResultComesOutOfACallThatWaits(): void
    {
        $client = $this->client();
        $room = $client->listen('room');
        $client->spawn(static fn () => throw new \DomainException('mine'));
        self::assertThrows(\DomainException::class, static fn () => $room->next(30));
        $client->publishAsync('room', 'x')->onSettled(static fn () => throw new \DomainException('mine'));
        self::assertInstanceOf(Message::class, $room->next(30));
        self::assertThrows(\DomainException::class, static fn () => $room->next(30));
    }

    public function testClosingCallsBackWhatIsSettledByIt(): void
    {
        $client = new Client('/nowhere/relay.sock');
        $errors = [];
        $client->publishAsync('room', 'x')->onSettled(static function (?\Throwable $error) use (&$errors): void {
            $errors[] = $error;
        });
        $client->close();
        self::assertSame(1, \count($errors));
        self::assertInstanceOf(ClosedException::class, $errors[0]);
    }

    public function testRunGoesOnToTheEndOfAClientThatCloses(): void
    {
        $client = $this->client();
        $calls = [];
        $client->publishAsync('room', 'x')->onSettled(static function () use (&$calls): void {
            $calls[] = 'settled';
        });
        $client->closeAsync();
        $client->run();
        self::assertSame(['settled'], $calls);
        $client->run();

        $client = $this->client();
        $client->spawn(static function () use ($client, &$calls): void {
            foreach ($client->listen('room') as $event) {
                $calls[] = 'event';
            }
            $calls[] = 'ended';
        });
        $client->listen('other')->onEvent(static fn () => $client->close());
        $this->relay->publish('other', 'x');
        $client->run();
        self::assertSame(['settled', 'ended'], $calls);
    }

    public function testHandlersTakeTurnsAndStopIsAtOnce(): void
    {
        $client = $this->client();
        $heard = $before = 0;
        $stopsAt = null;
        $client->listen('one')->onEvent(static function () use ($client, &$heard, &$stopsAt): void {
            if (++$heard === $stopsAt) {
                $client->stop();
            }
        });
        $client->listen('other')->onEvent(static function () use ($client, &$heard, &$before): void {
            $before = $heard;
            $client->stop();
        });
        foreach (\range(1, 1000) as $number) {
            $this->relay->publish('one', "$number");
        }
        $this->relay->publish('other', 'x');
        $client->run();
        self::assertTrue($before > 0 && $before < 500, "the other one was called after $before");
        $stopsAt = $heard + 5;
        $client->run();
        self::assertSame($stopsAt, $heard);
        while ($heard < 1000) {
            $client->tick();
        }
    }

    public function testAnotherLoopIsCalledWhenASubscriptionEnds(): void
    {
        $client = $this->client();
        $room = $client->listen('room');
        $calls = 0;
        $client->onInterest(static function () use (&$calls): void {
            $calls++;
        });
        $room->close();
        self::assertSame(1, $calls);
        self::assertSame(1, \count($client->interest()['write']));
        $client->onInterest(null);
    }

    public function testAPublisherThatIsDroppedHasPublished(): void
    {
        $relay = new FakeRelay();
        $publisher = $relay->publisher();
        $future = $publisher->publishAsync('room', 'one');
        $publisher->publishAsync('room', 'two');
        \gc_disable();
        $publisher = null;
        \gc_enable();
        self::assertSame(['one', 'two'], \array_column($relay->published, 'payload'));
        self::assertSame(0, $future->await());
        $receivers = null;
        $future->onSettled(static function (?\Throwable $error, ?int $result) use (&$receivers): void {
            $receivers = $result;
        });
        self::assertSame(0, $receivers);
    }

    /** Runs it in a child, which ends without the parent's destructors. Returns what it returns. */
    private function inChild(\Closure $code): string
    {
        [$ours, $theirs] = \stream_socket_pair(\STREAM_PF_UNIX, \STREAM_SOCK_STREAM, 0);
        $child = \pcntl_fork();
        if ($child === 0) {
            \pcntl_alarm(20);
            \fwrite($theirs, $code());
            \posix_kill(\getmypid(), \SIGKILL);
        }
        \fclose($theirs);
        $said = (string) \stream_get_contents($ours);
        \pcntl_waitpid($child, $status);

        return $said;
    }

    public function testWhatWaitsFailsInAChild(): void
    {
        if (!\function_exists('pcntl_fork')) {
            return;
        }
        $client = $this->client();
        $futures = [
            $client->publishAsync('room', 'x'), $client->listenAsync(['room']), $client->readyAsync(),
            $client->spawn(static fn () => $client->listen('other')->next()),
        ];
        self::assertSame(\str_repeat(InterruptedException::class, 4), $this->inChild(static function () use ($futures) {
            return \implode('', \array_map(static function ($future): string {
                try {
                    $future->await();

                    return 'settled';
                } catch (\Throwable $error) {
                    return $error::class;
                }
            }, $futures));
        }));
        self::assertSame(1, $futures[0]->await(30)); // the parent goes on
    }

    public function testAChildThatIsForkedInAHandlerLeavesTheParentsSocketAlone(): void
    {
        if (!\function_exists('pcntl_fork')) {
            return;
        }
        $client = $this->client();
        [$ours, $theirs] = \stream_socket_pair(\STREAM_PF_UNIX, \STREAM_SOCK_STREAM, 0);
        $parent = \getmypid();
        $heard = [];
        $child = null;
        $client->listen('room')->onEvent(function (Message $message) use ($client, $theirs, &$heard, &$child): void {
            $heard[] = $message->payload;
            if ($message->payload === 'fork' && ($child = \pcntl_fork()) === 0) {
                \pcntl_alarm(20);
                $this->relay = new FakeRelay();
                $client->spawn(static function () use ($client, $theirs, &$heard): void {
                    \fwrite($theirs, \implode(' ', $heard));
                    $client->stop();
                });
            } elseif ($message->payload === 'end') {
                $client->stop();
            }
        });
        foreach (['fork', 'other', 'end'] as $payload) {
            $this->relay->publish('room', $payload);
        }
        $client->run();
        if (\getmypid() !== $parent) {
            \fwrite($theirs, ' run has ended');
            \posix_kill(\getmypid(), \SIGKILL);
        }
        \pcntl_waitpid($child, $status);
        \fclose($theirs);
        self::assertSame(['fork', 'other', 'end'], $heard);
        self::assertSame('fork run has ended', (string) \stream_get_contents($ours));
        self::assertSame(0, $client->publish('room.2', 'x', 30.0));
    }
}
