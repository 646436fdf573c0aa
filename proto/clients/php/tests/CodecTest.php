<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Cause;
use Hubrelay\Internal\Code;
use Hubrelay\Internal\Codec;
use Hubrelay\Internal\Decoder;
use Hubrelay\Internal\ProtocolException;
use Hubrelay\Internal\Schema;
use Hubrelay\Internal\Splitter;
use Hubrelay\Outcome;
use Hubrelay\State;
use Hubrelay\Status;

/**
 * The codec, by all vectors of the project.
 */
final class CodecTest extends TestCase
{
    private const ENUMS = [
        'outcome' => Outcome::class, 'state' => State::class, 'cause' => Cause::class, 'code' => Code::class,
    ];

    public function testRelayFrames(): void
    {
        self::assertTrue($this->checkFrames('relay-frames.json', Schema::RELAY_FRAME) > 400);
    }

    public function testClientFrames(): void
    {
        self::assertTrue($this->checkFrames('client-frames.json', Schema::CLIENT_FRAME) > 100);
    }

    /**
     * @param list<class-string> $kinds
     */
    private function checkFrames(string $file, array $kinds): int
    {
        $vectors = self::vectors($file)['vectors'];
        foreach ($vectors as $vector) {
            $body = \hex2bin($vector['body']);
            if (isset($vector['error'])) {
                try {
                    // To a relay a frame of no kind that it knows is malformed, too.
                    self::assertSame(null, Decoder::decode($body, $kinds), $vector['name']);
                    self::assertSame(Schema::CLIENT_FRAME, $kinds, $vector['name']);
                } catch (ProtocolException) {
                }
                continue;
            }
            $frame = Decoder::decode($body, $kinds);
            if ($vector['frame'] === null) {
                self::assertSame(null, $frame, $vector['name']);
                continue;
            }
            $expected = self::frame($vector['frame'], $kinds);
            self::assertSame($expected::class, $frame === null ? null : $frame::class, $vector['name']);
            self::assertSame(\var_export($expected, true), \var_export($frame, true), $vector['name']);
            // What is above PHP's largest number comes as that number, and so cannot be written again.
            \preg_match_all('/"(\d{19,})"/', \json_encode($vector['frame']), $large);
            $isExact = \array_filter($large[1], static fn ($number) => $number !== (string) (int) $number) === [];
            if ($vector['canonical'] && $isExact) {
                self::assertSame($vector['body'], \bin2hex(\substr(Codec::encode($frame), 4)), $vector['name']);
            }
        }

        return \count($vectors);
    }

    public function testAPublishIsEncodedAsByTheSchema(): void
    {
        foreach ([0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 1 << 40, (1 << 53) - 1] as $id) {
            foreach ([0, 1, 100, 127, 128, 20_000, 3_000_000] as $size) {
                $payload = \str_repeat("\xFF", $size);
                self::assertTrue(
                    Codec::encode(new \Hubrelay\Internal\Frame\Publish('room.7', $payload, $id))
                    === Codec::publish(Codec::field(1, 'room.7'), $payload, $id),
                    "id $id, $size bytes",
                );
            }
        }
    }

    public function testFramingHoweverAStreamIsSplit(): void
    {
        foreach (self::vectors('streams.json')['framing'] as $vector) {
            $chunks = \array_map('hex2bin', $vector['chunks']);
            $this->checkFraming($vector, $chunks);
            $stream = \implode('', $chunks);
            $this->checkFraming($vector, $stream === '' ? [''] : \str_split($stream));
            for ($at = 1; $at < \min(\strlen($stream), 300); $at++) {
                $this->checkFraming($vector, [\substr($stream, 0, $at), \substr($stream, $at)]);
            }
        }
    }

    /**
     * @param array<string, mixed> $vector
     * @param list<string> $chunks
     */
    private function checkFraming(array $vector, array $chunks): void
    {
        $splitter = new Splitter($vector['sender'] === 'client' ? 4096 : $vector['max_frame_bytes']);
        $bodies = [];
        $code = null;
        try {
            foreach ($chunks as $chunk) {
                do {
                    $isFirst = $bodies === [];
                    $ends = $splitter->cut($chunk, !$isFirst);
                    $chunk = '';
                    for ($index = 1; $index < \count($ends); $index++) {
                        $start = $ends[$index - 1] + 4;
                        $bodies[] = \bin2hex(\substr($splitter->buffer, $start, $ends[$index] - $start));
                    }
                    $splitter->limit = $bodies === [] ? $splitter->limit : $vector['max_frame_bytes'];
                } while (\count($ends) > 1);
            }
        } catch (ProtocolException $error) {
            $code = $error->getCode();
        }
        self::assertSame($vector['bodies'], $bodies, $vector['name']);
        if (isset($vector['error'])) {
            self::assertSame(\constant(Code::class . '::' . \substr($vector['error'], 5)), $code, $vector['name']);
        } else {
            self::assertSame(null, $code, $vector['name']);
            self::assertSame($vector['rest'], \bin2hex($splitter->rest()), $vector['name']);
        }
    }

    public function testALengthIsJudgedBeforeItsBody(): void
    {
        $splitter = new Splitter(4096);
        $error = self::assertThrows(ProtocolException::class, static fn () => $splitter->cut("\xFF\xFF\xFF\xFF"));
        self::assertSame(Code::FRAME_TOO_LARGE, $error->getCode());
    }

    /**
     * @param array<string, array<string, mixed>> $frame
     * @param list<class-string> $kinds
     */
    private static function frame(array $frame, array $kinds): object
    {
        $kind = \ucfirst((string) \array_key_first($frame));
        foreach ($kinds as $class) {
            if (\str_ends_with($class, "\\$kind")) {
                return self::message($class, $frame[\lcfirst($kind)]);
            }
        }
        throw new \LogicException($kind);
    }

    /**
     * @param class-string $class
     * @param array<string, mixed> $fields
     */
    private static function message(string $class, array $fields): object
    {
        $values = [];
        foreach ($fields as $name => $value) {
            $property = \lcfirst(\str_replace('_', '', \ucwords($name, '_')));
            $type = Schema::FIELDS[$class][$property];
            $values[$property] = match (true) {
                $type === Status::class => self::message($type, $value),
                $type === Schema::BYTES => \hex2bin($value),
                $type === Schema::ENUM && \is_string($value) => \constant(
                    self::ENUMS[$name] . '::' . \substr($value, \strlen($name) + 1),
                ),
                // PHP's largest number stands for all above, as (int) of a string of digits does.
                $type === Schema::UINT64 => (int) $value,
                default => $value,
            };
        }

        return new $class(...$values);
    }

    /**
     * @return array<string, mixed>
     */
    private static function vectors(string $file): array
    {
        $text = (string) \file_get_contents(__DIR__ . "/../../../vectors/$file");

        return \json_decode($text, true, 512, \JSON_THROW_ON_ERROR);
    }
}
