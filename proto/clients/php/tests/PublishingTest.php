<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Connector;
use Hubrelay\Exception\CongestedException;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Future;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Options;
use Hubrelay\Outcome;
use Hubrelay\Publisher;
use Hubrelay\PublisherOptions;
use Hubrelay\Testing\FakeRelay;

/**
 * Publishes that wait, and those of a Publisher that fail.
 */
final class PublishingTest extends TestCase
{
    private static function publish(Bench $bench, string $payload): Future
    {
        $future = $bench->recorder->future();
        try {
            $bench->core->publishing->publish('room', $payload, $future);
        } catch (HubrelayException $error) {
            $future->fail($error);
        }

        return $future;
    }

    public function testWhatWaitsForRoomIsBoundedAndWhatIsGivenUpMakesRoom(): void
    {
        $bench = new Bench(new Options(unanswered: 1, unsentBytes: 2000));
        $link = $bench->welcome();
        $futures = [];
        foreach (\range(0, 4) as $number) {
            $futures[] = self::publish($bench, "$number");
        }
        self::assertSame(
            [false, false, false, false, true],
            \array_map(static fn (Future $future): bool => $future->isSettled(), $futures),
        );
        self::assertInstanceOf(CongestedException::class, Recorder::errorOf($futures[4]));
        self::assertTrue($bench->core->publishing->giveUp($futures[2]));
        self::assertFalse($bench->core->publishing->giveUp($futures[2]));
        self::assertFalse($bench->core->publishing->giveUp($futures[0])); // it was written
        self::assertFalse(self::publish($bench, '5')->isSettled());
        $payloads = [];
        for ($id = 1; ($frames = $bench->written($link)) !== []; $id++) {
            \array_push($payloads, ...\array_column($frames, 'payload'));
            $bench->say($link, new Reply($id, Outcome::OK));
        }
        self::assertSame(['0', '1', '3', '5'], $payloads);
    }

    public function testASendStaysBehindPublishesThatWait(): void
    {
        $bench = new Bench(new Options(unanswered: 1, unsentBytes: 1600));
        $link = $bench->welcome();
        self::publish($bench, '1');
        $bench->written($link);
        self::publish($bench, '2');
        $bench->core->publishing->send('room', '3');
        self::assertThrows(
            CongestedException::class,
            static fn () => $bench->core->publishing->send('room', \str_repeat('x', 100)),
        );
        self::assertSame([], $bench->written($link));
        $bench->say($link, new Reply(1, Outcome::OK));
        self::assertSame(['2', '3'], \array_column($bench->written($link), 'payload'));
    }

    public function testSendsThatWaitAreBoundedAlsoIfTheyAreEmpty(): void
    {
        $bench = new Bench(new Options(unsentBytes: 16_000));
        self::assertThrows(CongestedException::class, static function () use ($bench): void {
            for ($count = 0; $count < 100; $count++) {
                $bench->core->publishing->send('room', '');
            }
        });
        $sent = $bench->core->publishing->waiting;
        $link = $bench->welcome();
        $bench->core->publishing->send('room', 'last');
        self::assertTrue($sent >= 9 && $sent < 20, "$sent");
        self::assertSame(0, $bench->core->publishing->waiting);
        self::assertSame(['last'], \array_column($bench->written($link), 'payload'));
    }

    public function testAPublishOfACallbackFailsToo(): void
    {
        $publisher = new Publisher('/nowhere/relay.sock');
        $second = null;
        $publisher->publishAsync('room', 'one')->onSettled(static function () use ($publisher, &$second): void {
            $second = $publisher->publishAsync('room', 'two');
        });
        $publisher->tick();
        $publisher->tick();
        self::assertTrue($second->isSettled());
        self::assertInstanceOf(NotConnectedException::class, Recorder::errorOf($second));
    }

    public function testARelayThatHangsCostsAPublisherOneTimeout(): void
    {
        $relay = new class (new FakeRelay()) implements Connector {
            public bool $hangs = false;

            public function __construct(private readonly FakeRelay $relay)
            {
            }

            public function connect(string $path)
            {
                return $this->relay->connect($path);
            }

            public function turn(): void
            {
                if (!$this->hangs) {
                    $this->relay->turn();
                }
            }
        };
        $options = new PublisherOptions(timeout: 0.02, handshake: 0.01, pause: 60.0);
        $publisher = new Publisher('fake', '', $options, connector: $relay);
        self::assertSame(0, $publisher->publish('room', 'one', 30.0));
        $relay->hangs = true;
        self::assertThrows(InterruptedException::class, static fn () => $publisher->publish('room', 'two'));
        $error = self::assertThrows(
            NotConnectedException::class,
            static fn () => $publisher->publish('room', 'three', 5.0),
        );
        self::assertTrue(\str_contains($error->getMessage(), 'said nothing for 0.0 s'), $error->getMessage());
    }
}
