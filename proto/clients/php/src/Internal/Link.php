<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Future;
use Hubrelay\Internal\Frame\Hello;
use Hubrelay\Internal\Frame\Ping;
use Hubrelay\Internal\Frame\Publish;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\Message;
use Hubrelay\Outcome;
use Hubrelay\Status;

/**
 * One connection to a relay, without its socket. Bytes go in, bytes come out, and it keeps the unanswered requests.
 *
 * @internal
 */
final class Link
{
    /** The longest first body. It applies before the Welcome says what the longest body is. */
    private const MAX_WELCOME_BYTES = 64 * 1024;

    /** The most bytes that the socket is offered at once. */
    private const MAX_WRITE_BYTES = 256 * 1024;

    public ?Welcome $welcome = null;

    public float $welcomedAt = 0.0;

    /** The largest payload, and the longest body, of this connection's Welcome. */
    public int $maxPayload = 0;

    public int $maxFrame = self::MAX_WELCOME_BYTES;

    /** @var array<int, Future> by id, in the order written */
    public array $publishes = [];

    /** @var array<int, Request> by id, in the order written */
    public array $requests = [];

    /**
     * @var array<int, Name> by spl_object_id: names for which the last written request is a Subscribe that has not
     * failed
     */
    public array $asked = [];

    /** @var array<int, Request> by spl_object_id: Subscribes of the client's own that are unanswered */
    public array $restoring = [];

    /** Bytes that the socket has not taken. */
    public int $unsent = 0;

    /** The writing side has to be shut down once all is written, or is shut down. */
    public bool $shutWhenWritten = false;

    public bool $isShut = false;

    /** Whether the socket has to be read. */
    public bool $isReading = true;

    public bool $isEnded = false;

    /** The relay has closed it. */
    public bool $isAtItsEnd = false;

    /** Its relay has reported STOPPING. */
    public bool $isStopping = false;

    /** The relay has answered a part of a restore with PENDING. */
    public bool $isPending = false;

    /** This read may exceed the queues' bounds: nobody listens, and a full queue then leaves the socket unread. */
    public bool $mayExceed = false;

    /** The last Status. */
    public ?Status $status = null;

    /** Publishes without Reply that were written since the last answered Ping with `settled`. */
    public int $unsettled = 0;

    /** How many of those were in a Loss. */
    public int $lostOfUnsettled = 0;

    /** The number of Pings with `settled` that are unanswered. */
    public int $settling = 0;

    /** The times when bytes came last, and when an answer became outstanding: nanoseconds by hrtime. */
    public int $lastRead;

    public int $owedSince = 0;

    /** The time when a Ping was written to check whether the relay works, by Clock. */
    public ?float $pingAt = null;

    private Splitter $splitter;

    /** The bytes that are being written, from the beginning of a frame, and how many of them are written. */
    private string $batch = '';

    private int $written = 0;

    /** The bytes to write after that. */
    private string $next = '';

    private int $lastId = 0;

    private int $sends = 0;

    /** @var array<string, true> */
    private array $features = [];

    /**
     * @param Names                           $names       the names whose messages go to `takeMessage`
     * @param \Closure(Link, object): void    $takeFrame   gets each frame except Replies and usual Messages
     * @param ?\Closure(Name, Message): void  $takeMessage gets each Message of a name that somebody holds; null: the
     *                                                     queues of the name get it
     */
    public function __construct(
        private readonly Names $names,
        private \Closure $takeFrame,
        public ?\Closure $takeMessage = null,
    ) {
        $this->splitter = new Splitter(self::MAX_WELCOME_BYTES);
        $this->lastRead = \hrtime(true);
    }

    public function has(string $feature): bool
    {
        return isset($this->features[$feature]);
    }

    /** Whether a request is unanswered. */
    public function isOwed(): bool
    {
        return $this->publishes !== [] || $this->requests !== [];
    }

    /**
     * @return array<int, Request> the Subscribes that have no Reply yet, by spl_object_id
     */
    public function unansweredSubscribes(): array
    {
        $found = [];
        foreach ($this->requests as $request) {
            if ($request->isSubscribe) {
                $found[\spl_object_id($request)] = $request;
            }
        }

        return $found;
    }

    // What goes out

    /** Writes the first frame. */
    public function hello(string $name): void
    {
        $this->write(Codec::encode(new Hello(1, $name)));
    }

    /** An id that is not the id of an unanswered request. */
    public function nextId(): int
    {
        if ($this->publishes === [] && $this->requests === []) {
            $this->owedSince = \hrtime(true);
            if ($this->lastId >= 0x3FFF) {
                $this->lastId = 0; // nothing is unanswered, and small ids make small frames
            }
        }

        return ++$this->lastId;
    }

    /** Writes a frame of Codec::publish with this id; the future gets the number of receivers, or an error. */
    public function publish(string $frame, int $id, Future $future): void
    {
        $this->publishes[$id] = $future;
        $this->next .= $frame;
        $this->unsent += \strlen($frame);
    }

    /** Writes a frame of Codec::publish without id. */
    public function send(string $frame): void
    {
        $this->sends++;
        $this->unsettled++;
        $this->write($frame);
    }

    /**
     * Writes a Subscribe (3) or Unsubscribe (4).
     *
     * @param list<Name> $names
     */
    public function ask(Request $request, int $number, array $names): void
    {
        $id = $this->nextId();
        $this->requests[$id] = $request;
        $fields = ['', ''];
        foreach ($names as $name) {
            $fields[(int) $name->isPattern] .= $name->field;
        }
        $this->write(Codec::framed(Codec::field($number, "\x08" . Codec::varint($id) . \implode('', $fields))));
    }

    public function ping(Request $request, bool $settled = false): void
    {
        $id = $this->nextId();
        $this->requests[$id] = $request;
        $this->write(Codec::encode(new Ping($id, $settled)));
    }

    /** Asks with a Ping for the outcome of the publishes without Reply. The Reply to the Ping settles the future. */
    public function settleSends(?Future $future = null): void
    {
        $this->settling++;
        $before = $this->sends;
        $this->ping(new Request(function (Link $link, Request $request, ?Reply $reply) use ($before, $future): void {
            if ($reply !== null) {
                $this->unsettled = $this->sends - $before;
                $this->lostOfUnsettled = 0;
                $this->settling--;
            }
            if ($future !== null) {
                self::settlePing($future, $request, $reply);
            }
        }), true);
    }

    /** Settles a future that waits for a Ping's Reply; null means that the connection has ended. */
    public static function settlePing(Future $future, Request $request, ?Reply $reply): void
    {
        if ($reply === null) {
            $future->fail(self::errorAtEnd($request->isUnwritten));
        } elseif ($reply->outcome !== Outcome::OK) {
            $future->fail(HubrelayException::ofReply($reply->outcome, $reply->detail, [], []));
        } else {
            $future->complete();
        }
    }

    /** Adds a frame to the bytes to write. */
    public function write(string $frame): void
    {
        $this->next .= $frame;
        $this->unsent += \strlen($frame);
    }

    /** The next bytes for the socket; empty if there are none. */
    public function toWrite(): string
    {
        if ($this->written === \strlen($this->batch)) {
            $this->batch = $this->next;
            $this->next = '';
            $this->written = 0;
        }
        if ($this->written === 0 && \strlen($this->batch) <= self::MAX_WRITE_BYTES) {
            return $this->batch;
        }

        return \substr($this->batch, $this->written, self::MAX_WRITE_BYTES);
    }

    /** The socket has taken that many of these bytes. */
    public function wrote(int $count): void
    {
        $this->written += $count;
        $this->unsent -= $count;
    }

    /**
     * Takes back the frames that were not written completely.
     *
     * @return array{array<int, true>, int} ids of the requests, and the number of publishes without id
     */
    private function takeUnwritten(): array
    {
        $data = $this->batch . $this->next;
        $ids = [];
        $sends = 0;
        for ($position = 0; $position < \strlen($data); $position = $end) {
            $end = $position + 4 + \unpack('N', $data, $position)[1];
            if ($end <= $this->written) {
                continue;
            }
            $frame = Decoder::decode(\substr($data, $position + 4, $end - $position - 4), Schema::CLIENT_FRAME);
            if ($frame instanceof Publish && $frame->id === 0) {
                $sends++;
            } elseif ($frame !== null && !$frame instanceof Hello) {
                $ids[$frame->id] = true;
            }
        }
        $this->batch = $this->next = '';
        $this->written = $this->unsent = 0;

        return [$ids, $sends];
    }

    // What comes in

    /**
     * Takes the bytes that were read.
     *
     * @throws ProtocolException the caller has to end the connection
     */
    public function feed(string $data): void
    {
        $this->lastRead = \hrtime(true);
        $this->pingAt = null;
        do {
            $ends = $this->splitter->cut($data, $this->welcome !== null);
            $buffer = $this->splitter->buffer;
            $end = $ends[0];
            $count = \count($ends);
            for ($index = 1; $index < $count; $index++) {
                $start = $end + 4;
                $end = $ends[$index];
                $tag = $buffer[$start];
                if (
                    $tag === "\x12" ? !$this->takeUsualMessage($buffer, $start + 1, $end)
                    : $tag !== "\x1A" || !$this->takeUsualReply($buffer, $start + 1, $end)
                ) {
                    $this->take(Decoder::decode(\substr($buffer, $start, $end - $start)));
                    if ($this->isEnded) {
                        return;
                    }
                }
            }
            $data = '';
        } while ($count > 1 && $end < \strlen($buffer)); // the rest may begin with a wrong length
    }

    /**
     * Takes a Message with channel and payload and without pattern, on a channel that somebody holds. Each of the
     * two lengths that may be long has to reach to the end of the frame. Returns false for any other frame.
     */
    private function takeUsualMessage(string $data, int $at, int $end): bool
    {
        if ($end - $at < 6) {
            return false;
        }
        $size = \ord($data[$at++]);
        if ($size > 0x7F) {
            $size += (\ord($data[$at++]) - 1) << 7;
            if ($size > 0x3FFF) {
                $size += (\ord($data[$at++]) - 1) << 14;
            }
        }
        $nameSize = \ord($data[$at + 1]);
        $nameAt = $at + 2;
        $payload = $nameAt + $nameSize;
        if ($at + $size !== $end || $data[$at] !== "\x0A" || $payload + 2 > $end || $data[$payload] !== "\x12") {
            return false;
        }
        $name = $this->names->channels[\substr($data, $nameAt, $nameSize)] ?? null;
        if ($name === null || $nameSize > 0x7F || $this->welcome === null) {
            return false; // the name may even not be UTF-8
        }
        $size = \ord($data[++$payload]);
        if ($size > 0x7F && $payload + 3 < $end) {
            $size += (\ord($data[++$payload]) - 1) << 7;
            if ($size > 0x3FFF) {
                $size += (\ord($data[++$payload]) - 1) << 14;
            }
        }
        if (++$payload + $size !== $end) {
            return false;
        }
        $message = new Message($name->text, \substr($data, $payload, $size));
        if ($this->takeMessage !== null) {
            ($this->takeMessage)($name, $message);

            return true;
        }
        foreach ($name->queues as $queue) {
            $queue->putMessage($message, $this->mayExceed);
        }

        return true;
    }

    /** Takes the OK to a publish, with or without receivers: an id of at most two bytes, and receivers of one byte. */
    private function takeUsualReply(string $data, int $at, int $end): bool
    {
        if ($end - $at < 5 || \ord($data[$at]) !== $end - $at - 1 || $data[$at + 1] !== "\x08") {
            return false;
        }
        $id = \ord($data[$at + 2]);
        $at += 3;
        if ($id > 0x7F) {
            $id += (\ord($data[$at++]) - 1) << 7;
        }
        if (!isset($this->publishes[$id]) || $at + 2 > $end || $data[$at] !== "\x10" || $data[$at + 1] !== "\x01") {
            return false;
        }
        $receivers = 0;
        $at += 2;
        if ($at < $end) {
            if ($at + 2 !== $end || $data[$at] !== "\x18" || $data[$at + 1] > "\x7F") {
                return false;
            }
            $receivers = \ord($data[$at + 1]);
        }
        $future = $this->publishes[$id];
        unset($this->publishes[$id]);
        $future->complete($receivers);

        return true;
    }

    private function take(?object $frame): void
    {
        if (!$frame instanceof Reply) {
            if ($frame !== null) {
                ($this->takeFrame)($this, $frame);
            }

            return;
        }
        $future = $this->publishes[$frame->id] ?? null;
        if ($future !== null) {
            unset($this->publishes[$frame->id]);
            if ($frame->outcome === Outcome::OK) {
                $future->complete($frame->receivers);
            } else {
                $future->fail(HubrelayException::ofReply($frame->outcome, $frame->detail, [], []));
            }
        } elseif (isset($this->requests[$frame->id])) {
            $request = $this->requests[$frame->id];
            unset($this->requests[$frame->id]);
            ($request->answer)($this, $request, $frame);
        }
    }

    /** From now on the numbers of this Welcome apply. */
    public function welcomed(Welcome $welcome): void
    {
        $this->welcome = $welcome;
        $this->welcomedAt = Clock::now();
        $this->features = \array_fill_keys($welcome->features, true);
        $this->maxFrame = $this->splitter->limit = $welcome->maxFrameBytes;
        $this->maxPayload = $welcome->maxPayloadBytes;
    }

    /**
     * The connection has ended. Publishes that were written fail as Interrupted, others as NotConnected. Other requests
     * are answered with null, in their order.
     *
     * @return array{int, int} the number of publishes without Reply that are unknown, and of those that were never sent
     */
    public function end(): array
    {
        $this->isEnded = true;
        [$unwritten, $unsent] = $this->takeUnwritten();
        $unknown = \max(0, $this->unsettled - $this->lostOfUnsettled - $unsent);
        $publishes = $this->publishes;
        $this->publishes = [];
        foreach ($publishes as $id => $future) {
            $future->fail(self::errorAtEnd(isset($unwritten[$id])));
        }
        $requests = $this->requests;
        $this->requests = [];
        foreach ($requests as $id => $request) {
            $request->isUnwritten = isset($unwritten[$id]);
            ($request->answer)($this, $request, null);
        }

        return [$unknown, $unsent];
    }

    /** The error of a request that the connection has ended without an answer to. */
    private static function errorAtEnd(bool $isUnwritten): NotConnectedException|InterruptedException
    {
        return $isUnwritten
            ? new NotConnectedException('the connection to the relay ended before this was sent')
            : new InterruptedException('the connection to the relay ended before it answered');
    }
}
