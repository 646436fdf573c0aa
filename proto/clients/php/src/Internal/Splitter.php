<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * Cuts a stream of bytes into the bodies of frames.
 *
 * @internal
 */
final class Splitter
{
    /** The bytes that have come and are not cut yet, after those that were cut last. */
    public string $buffer = '';

    private int $end = 0;

    /**
     * @param int $limit the longest body that is allowed
     */
    public function __construct(public int $limit)
    {
    }

    /**
     * Adds the bytes that were read, and cuts the complete frames. In the buffer, a body begins 4 bytes after the end
     * of the body before it.
     *
     * @param bool $all false: cuts one body at most, since the limit may change after it
     * @return list<int> the ends of the bodies, after the end of what was cut before
     * @throws ProtocolException for a length of 0 or above the limit, once all bodies before it are cut; it does not
     *                           wait for the body
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

    /** The bytes that are not a complete frame yet. */
    public function rest(): string
    {
        return \substr($this->buffer, $this->end);
    }
}
