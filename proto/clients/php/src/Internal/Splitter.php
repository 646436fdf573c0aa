<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * Cuts a stream of bytes into bodies.
 *
 * @internal
 */
final class Splitter
{
    /** What has come and is not cut yet, and the body that was cut last. */
    public string $buffer = '';

    /** Where that body begins. */
    public int $start = 0;

    private int $end = 0;

    private int $size = 0;

    /**
     * @param int $limit the longest body that is allowed
     */
    public function __construct(public int $limit)
    {
    }

    /** Adds what was read. */
    public function push(string $data): void
    {
        if ($this->end === 0) {
            $this->buffer .= $data;
        } else {
            $this->buffer = $this->end < $this->size ? \substr($this->buffer, $this->end) . $data : $data;
            $this->end = 0;
        }
        $this->size = \strlen($this->buffer);
    }

    /**
     * Cuts one body: it is in the buffer, from `start` to what is returned. 0 means that there is no whole one.
     *
     * @throws ProtocolException for a length of 0, or above the limit; the body is not waited for
     */
    public function next(): int
    {
        $start = $this->end + 4;
        if ($start > $this->size) {
            return 0;
        }
        $length = \unpack('N', $this->buffer, $this->end)[1];
        if ($length === 0 || $length > $this->limit) {
            throw new ProtocolException(
                "a frame of $length bytes",
                $length === 0 ? Code::MALFORMED : Code::FRAME_TOO_LARGE,
            );
        }
        if ($start + $length > $this->size) {
            return 0;
        }
        $this->start = $start;

        return $this->end = $start + $length;
    }

    /** What is no whole frame yet. */
    public function rest(): string
    {
        return \substr($this->buffer, $this->end);
    }
}
