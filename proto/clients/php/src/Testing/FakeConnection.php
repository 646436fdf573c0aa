<?php

declare(strict_types=1);

namespace Hubrelay\Testing;

use Hubrelay\Internal\Codec;
use Hubrelay\Internal\Decoder;
use Hubrelay\Internal\Schema;
use Hubrelay\Internal\Splitter;

/**
 * One client's connection to a FakeRelay: its subscriptions, and the bytes that it has not read.
 *
 * @internal
 */
final class FakeConnection
{
    /** @var array<true> by name */
    public array $channels = [];

    /** @var array<true> by name */
    public array $patterns = [];

    public bool $isEnded = false;

    private string $unread = '';

    private Splitter $splitter;

    /**
     * @param resource $stream
     */
    public function __construct(public readonly mixed $stream)
    {
        $this->splitter = new Splitter(FakeRelay::MAX_PAYLOAD_BYTES + 4096);
        \stream_set_blocking($stream, false);
        \stream_set_read_buffer($stream, 0);
    }

    public function say(object $frame): void
    {
        $this->unread .= Codec::encode($frame);
        $this->flush();
    }

    public function flush(): void
    {
        if ($this->unread !== '' && !$this->isEnded) {
            $count = @\fwrite($this->stream, $this->unread);
            $this->unread = $count === false ? '' : \substr($this->unread, $count);
        }
    }

    /**
     * @return list<object> what the client has written
     */
    public function read(): array
    {
        $frames = [];
        $data = $this->isEnded ? '' : @\fread($this->stream, 1 << 18);
        if ($data === '' || $data === false) {
            $this->isEnded = $this->isEnded || \feof($this->stream);

            return [];
        }
        $ends = $this->splitter->cut($data);
        for ($index = 1; $index < \count($ends); $index++) {
            $start = $ends[$index - 1] + 4;
            $body = \substr($this->splitter->buffer, $start, $ends[$index] - $start);
            $frames[] = Decoder::decode($body, Schema::CLIENT_FRAME) ?? throw new \LogicException('an unknown frame');
        }

        return $frames;
    }

    public function end(): void
    {
        $this->isEnded = true;
        \fclose($this->stream);
    }
}
