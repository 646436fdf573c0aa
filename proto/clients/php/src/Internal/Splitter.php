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
    /** What has come and is not cut yet, behind what was cut last. */
    public string $buffer = '';

    private int $end = 0;

    /**
     * @param int $limit the longest body that is allowed
     */
    public function __construct(public int $limit)
    {
    }

    /**
     * Adds what was read, and cuts what is whole: a body stands in the buffer from 4 behind the end of the one before
     * it.
     *
     * @param bool $all false: at most one, since the limit may change behind it
     * @return list<int> the ends of the bodies, the end of what was cut before in front of them
     * @throws ProtocolException for a length of 0, or above the limit, once all in front of it are cut; the body is not
     *                           waited for
     */
    public function cut(string $data, bool $all = true): array
    {
        if ($this->end === 0) {
            $this->buffer .= $data;
        } elseif ($data !== '') {
            $this->buffer = $this->end < \strlen($this->buffer) ? \substr($this->buffer, $this->end) . $data : $data;
            $this->end = 0;
        }
        $ends = [$this->end];
        $end = $this->end;
        $size = \strlen($this->buffer);
        while ($end + 4 <= $size) {
            $length = \unpack('N', $this->buffer, $end)[1];
            if ($length === 0 || $length > $this->limit) {
                if ($end > $this->end) {
                    break;
                }
                throw new ProtocolException(
                    "a frame of $length bytes",
                    $length === 0 ? Code::MALFORMED : Code::FRAME_TOO_LARGE,
                );
            }
            if ($end + 4 + $length > $size) {
                break;
            }
            $ends[] = $end += 4 + $length;
            if (!$all) {
                break;
            }
        }
        $this->end = $end;

        return $ends;
    }

    /** What is no whole frame yet. */
    public function rest(): string
    {
        return \substr($this->buffer, $this->end);
    }
}
