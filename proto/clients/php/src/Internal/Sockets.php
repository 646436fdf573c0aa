<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Connector;

/**
 * The sockets of a Machine: reads, writes, opens, closes, and waits.
 *
 * @internal
 */
final class Sockets
{
    private const READ_BYTES = 64 * 1024;

    /** @var array<int, resource> by the spl_object_id of their Link */
    private array $streams = [];

    /** @var array<int, Link> */
    private array $links = [];

    /** @var array<int, true> those whose socket takes no more bytes now */
    private array $blocked = [];

    /** @var array<int, resource> the sockets to read */
    private array $reads = [];

    private readonly bool $hasTurns;

    public function __construct(
        private readonly Machine $machine,
        private readonly Connector $connector,
        private readonly string $path,
    ) {
        $this->hasTurns = !$connector instanceof UnixConnector;
    }

    /**
     * @return array<int, resource> the sockets to read
     */
    public function toRead(): array
    {
        return $this->reads;
    }

    /**
     * @return array<int, resource> the sockets that have something to write, or whose writing side has to be shut
     */
    public function toWrite(): array
    {
        $streams = [];
        foreach ($this->links as $id => $link) {
            if ($link->unsent > 0 || $link->shutWhenWritten && !$link->isShut) {
                $streams[$id] = $this->streams[$id];
            }
        }

        return $streams;
    }

    /**
     * Performs the machine's actions, writes, waits for input or room for at most that many seconds, and takes the
     * input.
     *
     * @param float $seconds 0: it does not wait
     */
    public function turn(float $seconds): void
    {
        $this->flush();
        if ($this->hasTurns) {
            $this->connector->turn();
        }
        $reads = $this->reads;
        if ($seconds > 0) {
            $reads = $this->wait($seconds);
        } else {
            $this->blocked = [];
        }
        foreach ($reads as $id => $stream) {
            if (!isset($this->streams[$id])) {
                continue; // the handling of another one has ended it
            }
            $data = @\fread($stream, self::READ_BYTES);
            if ($data !== '' && $data !== false) {
                $this->machine->received($this->links[$id], $data);
            } elseif (\feof($stream)) {
                $this->machine->ended($this->links[$id], 'the relay closed the connection', $data === false);
            }
        }
        if ($this->machine->actions !== []) {
            $this->perform();
        }
    }

    /**
     * @return array<int, resource> the sockets to read now
     */
    private function wait(float $seconds): array
    {
        $reads = $this->reads;
        $writes = $this->blocked === [] ? [] : \array_intersect_key($this->streams, $this->blocked);
        $whole = (int) $seconds;
        $microseconds = (int) (($seconds - $whole) * 1e6) + 1; // not too early, or there is one more turn
        if ($reads === [] && $writes === []) {
            \usleep($whole * 1_000_000 + $microseconds);

            return [];
        }
        $others = null;
        $count = @\stream_select($reads, $writes, $others, $whole, $microseconds);
        if ($count === false) {
            // A signal has come; or PHP cannot wait for a descriptor above 1,023, and the sockets are polled often
            // instead.
            \usleep(\min(1000, $whole * 1_000_000 + $microseconds));
            $this->blocked = [];

            return $this->reads;
        }
        foreach ($writes as $id => $stream) {
            unset($this->blocked[$id]);
        }

        return $reads;
    }

    /** Writes as much of what is queued as the sockets take. */
    public function flush(): void
    {
        if ($this->machine->actions !== []) {
            $this->perform();
        }
        foreach ($this->links as $id => $link) {
            if ($link->unsent > 0) {
                $this->write($link, $id);
            }
            if ($link->shutWhenWritten && !$link->isShut && $link->unsent === 0 && isset($this->streams[$id])) {
                $link->isShut = true;
                @\stream_socket_shutdown($this->streams[$id], \STREAM_SHUT_WR);
            }
        }
    }

    private function write(Link $link, int $id): void
    {
        while ($link->unsent > 0 && !isset($this->blocked[$id])) {
            $data = $link->toWrite();
            $count = @\fwrite($this->streams[$id], $data);
            if ($count === false) {
                $this->readToEnd($link, 'the relay closed the connection', true);

                return;
            }
            $link->wrote($count);
            if ($count < \strlen($data)) {
                $this->blocked[$id] = true;
            }
            $this->machine->wrote();
        }
    }

    /** Reads all that the relay sent before it closed, since that counts. */
    private function readToEnd(Link $link, string $why, bool $hasFailed): void
    {
        $id = \spl_object_id($link);
        while (isset($this->streams[$id]) && !$link->isEnded) {
            $data = @\fread($this->streams[$id], self::READ_BYTES);
            if ($data === '' || $data === false) {
                break;
            }
            $this->machine->received($link, $data);
        }
        $this->machine->ended($link, $why, $hasFailed);
    }

    /** Handles timers. Before a connection would be given up, its socket is read. */
    public function tick(float $now): void
    {
        $silent = $this->machine->giveUpCandidate($now);
        if ($silent !== null) {
            $this->turn(0.0);
        }
        $this->machine->tick($now);
        $this->perform();
    }

    /** Performs the machine's actions. */
    public function perform(): void
    {
        while ($this->machine->actions !== []) {
            [$action, $link] = \array_shift($this->machine->actions);
            match ($action) {
                Action::Open => $this->open($link),
                Action::Close => $this->close($link),
                Action::Check => $this->check($link),
                Action::Reading => null,
            };
        }
        $this->reads = [];
        foreach ($this->links as $id => $link) {
            if ($link->isReading) {
                $this->reads[$id] = $this->streams[$id];
            }
        }
    }

    private function open(Link $link): void
    {
        try {
            $stream = $this->connector->connect($this->path);
        } catch (\RuntimeException $error) {
            $this->machine->failed($link, $error->getMessage());

            return;
        }
        $this->streams[\spl_object_id($link)] = $stream;
        $this->links[\spl_object_id($link)] = $link;
        $this->machine->opened($link);
    }

    private function close(Link $link): void
    {
        $id = \spl_object_id($link);
        if (isset($this->streams[$id])) {
            // PHP has no close-on-exec: a program that this process has started may have the socket open, too.
            @\stream_socket_shutdown($this->streams[$id], \STREAM_SHUT_RDWR);
            \fclose($this->streams[$id]);
            unset($this->streams[$id], $this->links[$id], $this->blocked[$id]);
        }
    }

    /**
     * A socket that is left unread does not show that the relay has closed it. Writing nothing to it fails in that
     * case.
     */
    private function check(Link $link): void
    {
        $stream = $this->streams[\spl_object_id($link)] ?? null;
        if ($stream !== null && @\stream_socket_sendto($stream, '') < 0 && !$link->isShut) {
            $this->readToEnd($link, 'the relay closed the connection', false);
        }
    }

    /** In the child after a fork: closes the copies, without sending anything to the relay. */
    public function abandon(): void
    {
        foreach ($this->streams as $stream) {
            \fclose($stream);
        }
        foreach ($this->links as $link) {
            $link->end();
        }
        $this->streams = $this->links = $this->blocked = $this->reads = [];
    }
}
