<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Internal\Codec;
use Hubrelay\Internal\Decoder;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\Internal\Link;
use Hubrelay\Internal\Name;
use Hubrelay\Internal\Names;
use Hubrelay\Internal\ProtocolException;
use Hubrelay\Message;
use Hubrelay\Outcome;

final class LinkTest extends TestCase
{
    /** @var list<object> */
    private array $taken = [];

    private function link(string ...$channels): Link
    {
        $names = new Names();
        foreach ($channels as $channel) {
            $names->channels[$channel] = new Name($channel, false);
        }
        $take = function (Link $link, object $frame): void {
            $this->taken[] = $frame;
        };
        $link = new Link($names, $take, function (Name $name, Message $message): void {
            $this->taken[] = $message;
        });
        $link->welcomed(new Welcome(1, '', '', 10_000_000, null, 9_000_000));

        return $link;
    }

    /**
     * Link reads usual Messages and Replies by itself: the result has to be that of the codec.
     */
    public function testAllVectorsComeAsTheCodecReadsThem(): void
    {
        $text = (string) \file_get_contents(__DIR__ . '/../../../vectors/relay-frames.json');
        foreach (\json_decode($text, true)['vectors'] as $vector) {
            $body = \hex2bin($vector['body']);
            if ($body === '') {
                continue; // a length of 0 ends the connection
            }
            try {
                $expected = Decoder::decode($body);
            } catch (ProtocolException) {
                continue;
            }
            $link = $this->link(...($expected instanceof Message ? [$expected->channel] : []));
            $this->taken = [];
            $future = null;
            if ($expected instanceof Reply) {
                $future = $link->publishes[$expected->id] = (new Recorder())->future();
            }
            foreach (\str_split(\pack('N', \strlen($body)) . $body, 3) as $part) {
                $link->feed($part);
            }
            if ($expected instanceof Reply) {
                self::assertTrue($future->isSettled(), $vector['name']);
                if ($expected->outcome === Outcome::OK) {
                    self::assertSame($expected->receivers, $future->await(), $vector['name']);
                } else {
                    self::assertTrue(Recorder::errorOf($future) !== null, $vector['name']);
                }
            } else {
                self::assertEquals($expected === null ? [] : [$expected], $this->taken, $vector['name']);
            }
        }
    }

    public function testMessagesOfAllSizes(): void
    {
        $link = $this->link('room', \str_repeat('é', 200), '7');
        foreach (['room', \str_repeat('é', 200), '7'] as $channel) {
            foreach ([0, 1, 118, 119, 120, 121, 122, 127, 128, 16_383, 16_384, 2_097_100, 2_097_152] as $size) {
                $this->taken = [];
                $link->feed(Codec::encode(new Message($channel, \str_repeat('x', $size))));
                self::assertTrue(
                    \count($this->taken) === 1 && \strlen($this->taken[0]->payload) === $size,
                    "$size bytes",
                );
                self::assertSame($channel, $this->taken[0]->channel);
            }
        }
    }

    public function testRepliesWithLargeNumbers(): void
    {
        $link = $this->link();
        foreach ([1, 127, 128, 16_384, 2_097_151, 2_097_152, 268_435_456 * 16, (1 << 53) - 1] as $number) {
            $future = $link->publishes[$number] = (new Recorder())->future();
            $link->feed(Codec::encode(new Reply($number, Outcome::OK, $number)));
            self::assertSame($number, $future->await());
        }
    }

    public function testWhatWasNotWrittenIsNotConnected(): void
    {
        $link = $this->link();
        $recorder = new Recorder();
        $futures = [];
        foreach ([1, 2, 3] as $id) {
            $futures[$id] = $recorder->future();
            $link->publish(Codec::publish(Codec::field(1, 'room'), \str_repeat('x', 100), $id), $id, $futures[$id]);
            $link->send(Codec::publish(Codec::field(1, 'room'), \str_repeat('y', 100), 0));
        }
        $frame = \intdiv(\strlen($link->toWrite()), 3);
        $link->wrote($frame + 30); // the first publish and send, and a part of the next publish
        self::assertSame([1, 2], $link->end()); // one send was written and is unknown, two were not
        self::assertInstanceOf(InterruptedException::class, Recorder::errorOf($futures[1]));
        self::assertInstanceOf(NotConnectedException::class, Recorder::errorOf($futures[2]));
        self::assertInstanceOf(NotConnectedException::class, Recorder::errorOf($futures[3]));
    }

    public function testWhatIsAddedDuringAWriteComesBehindIt(): void
    {
        $link = $this->link();
        $link->write('first');
        self::assertSame('first', $link->toWrite());
        $link->wrote(2);
        $link->write('second');
        self::assertSame('rst', $link->toWrite());
        $link->wrote(3);
        self::assertSame('second', $link->toWrite());
        self::assertSame(6, $link->unsent);
    }

    public function testIdsAreSmallAgainWhenNothingIsUnanswered(): void
    {
        $link = $this->link();
        for ($count = 0; $count < 0x3FFF; $count++) {
            $id = $link->nextId();
        }
        self::assertSame(0x3FFF, $id);
        self::assertSame(1, $link->nextId());
        $link->publishes[1] = (new Recorder())->future();
        self::assertSame(2, $link->nextId());
    }
}
