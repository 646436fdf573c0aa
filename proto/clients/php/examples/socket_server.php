<?php

declare(strict_types=1);

/*
 * The socket server of a pair: it holds the sockets of those who listen, and brings them what a web request has
 * published on any host. Any number may run, beside one relay each.
 *
 *     php socket_server.php --relay /tmp/chat.sock --listen 127.0.0.1:7003
 *     curl --no-buffer http://127.0.0.1:7003/rooms/lobby
 *
 * The sockets are server-sent events, so a page listens by `new EventSource("/rooms/lobby")`.
 */

use Hubrelay\Client;
use Hubrelay\Event;
use Hubrelay\Gap;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Revoked;
use Hubrelay\Subscription;

require __DIR__ . '/../autoload.php';

const LONGEST = 8192; // bytes of a request

final class Page
{
    private string $request = '';

    private bool $isAnswered = false;

    private bool $isGone = false;

    private ?Subscription $subscription = null;

    /**
     * @param resource $stream
     */
    public function __construct(public readonly mixed $stream, private readonly Client $client)
    {
        stream_set_blocking($stream, false);
    }

    /** Takes the request. False at the end, and for what is no request. */
    public function read(): bool
    {
        $data = fread($this->stream, LONGEST);
        if ($data === '' || $data === false) {
            return !feof($this->stream) && !$this->isGone;
        }
        $this->request .= $data;
        if (!$this->isAnswered && str_contains($this->request, "\r\n\r\n")) {
            $this->isAnswered = true;
            $this->enter();
        }

        return !$this->isGone && strlen($this->request) <= LONGEST;
    }

    private function enter(): void
    {
        if (preg_match('~^GET /rooms/([^ ?]+)~', $this->request, $found) !== 1) {
            $this->refuse('404 Not Found');
            return;
        }
        $room = 'room.' . rawurldecode($found[1]);
        $this->client->listenAsync([$room])->onSettled(function (?Throwable $error, ?Subscription $subscription): void {
            if ($error !== null) {
                $this->refuse('503 Service Unavailable');
            } elseif ($this->isGone) {
                $subscription->close();
            } else {
                $this->write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n");
                $this->subscription = $subscription->onEvent($this->hear(...));
            }
        });
    }

    private function refuse(string $status): void
    {
        $this->write("HTTP/1.1 $status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream_socket_shutdown($this->stream, STREAM_SHUT_WR);
    }

    /** What a page is told. One that hears "gap" reads again what it must not miss. */
    private function hear(Event $event): void
    {
        $this->write(match (true) {
            $event instanceof Message => 'data: ' . str_replace("\n", "\ndata: ", $event->payload) . "\n\n",
            $event instanceof Gap => "event: gap\ndata: something may be missing here\n\n",
            $event instanceof Loss => "event: loss\ndata: $event->messages messages are missing here\n\n",
            $event instanceof Revoked => "event: closed\ndata: this room is closed\n\n",
            default => '', // a kind of event of a later version
        });
    }

    /** A page that does not read is left: half an event would spoil what comes behind it. It comes again by itself. */
    private function write(string $text): void
    {
        if (!$this->isGone && @fwrite($this->stream, $text) !== strlen($text)) {
            $this->isGone = true;
            stream_socket_shutdown($this->stream, STREAM_SHUT_RDWR); // the loop reads its end
        }
    }

    public function leave(): void
    {
        $this->isGone = true;
        $this->subscription?->close();
        fclose($this->stream);
    }
}

$arguments = [];
for ($index = 1; $index + 1 < $argc; $index += 2) {
    $arguments[ltrim($argv[$index], '-')] = $argv[$index + 1];
}
$client = new Client($arguments['relay'] ?? Client::DEFAULT_PATH, 'socketserver');
$server = stream_socket_server('tcp://' . ($arguments['listen'] ?? '127.0.0.1:7003'), $code, $reason)
    ?: exit("$reason\n");
echo 'listening on ', stream_socket_get_name($server, false), "\n";
$client->connect();
$pages = [];
while (true) {
    ['read' => $read, 'write' => $write, 'seconds' => $seconds] = $client->interest();
    $read = [...$read, $server, ...array_map(static fn (Page $page) => $page->stream, $pages)];
    $others = null;
    $microseconds = (int) ceil(($seconds ?? 60) * 1e6);
    stream_select($read, $write, $others, intdiv($microseconds, 1_000_000), $microseconds % 1_000_000);
    foreach ($read as $stream) {
        if ($stream === $server) {
            $page = new Page(stream_socket_accept($server), $client);
            $pages[(int) $page->stream] = $page;
        } elseif (isset($pages[(int) $stream]) && !$pages[(int) $stream]->read()) {
            $pages[(int) $stream]->leave();
            unset($pages[(int) $stream]);
        }
    }
    $client->tick();
}
