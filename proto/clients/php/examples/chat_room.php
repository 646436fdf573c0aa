<?php

declare(strict_types=1);

/*
 * A chat server for nc or telnet, of which any number may run, on any number of hosts, beside one relay each:
 *
 *     php chat_room.php --relay /tmp/chat.sock --listen 127.0.0.1:7001
 *     nc 127.0.0.1 7001
 *
 * The first line that is typed is the name of a room, the others are said there.
 *
 * The loop is the server's own, as an application with React or Amp has one; the client takes part in it.
 */

use Hubrelay\Client;
use Hubrelay\Event;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Gap;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Revoked;
use Hubrelay\Subscription;

require __DIR__ . '/../autoload.php';

final class Guest
{
    private string $unread = '';

    private ?string $room = null;

    private ?Subscription $subscription = null;

    private bool $isGone = false;

    /**
     * @param resource $stream
     */
    public function __construct(public readonly mixed $stream, private readonly Client $client)
    {
        stream_set_blocking($stream, false);
    }

    /** Takes what the guest has typed. False at the end. */
    public function read(): bool
    {
        $data = fread($this->stream, 8192);
        if (($data === '' || $data === false) && feof($this->stream)) {
            return false;
        }
        $lines = explode("\n", $this->unread . $data);
        $this->unread = array_pop($lines);
        foreach ($lines as $line) {
            $this->take(rtrim($line, "\r"));
        }

        return !$this->isGone;
    }

    private function take(string $line): void
    {
        if ($this->room !== null) {
            $this->say($line);
            return;
        }
        $this->room = "room.$line";
        $this->client->listenAsync([$this->room])->onSettled($this->enter(...));
    }

    private function enter(?Throwable $error, ?Subscription $subscription): void
    {
        if ($error !== null) {
            $this->write("* {$error->getMessage()}");
            $this->room = null; // the next line may name another one
        } elseif ($this->isGone) {
            $subscription->close();
        } else {
            $this->subscription = $subscription->onEvent($this->hear(...));
        }
    }

    private function say(string $line): void
    {
        $future = $this->client->publishAsync($this->room, $line);
        $future->onSettled(function (?Throwable $error): void {
            if ($error instanceof InterruptedException) {
                $this->write('* that may have been said, or not');
            } elseif ($error !== null) {
                $this->write("* that was not said: {$error->getMessage()}");
            }
        });
    }

    private function hear(Event $event): void
    {
        $line = match (true) {
            $event instanceof Message => $event->payload,
            $event instanceof Gap => '* something may be missing here: ' . implode(', ', $event->reasons),
            $event instanceof Loss => "* $event->messages messages are missing here",
            $event instanceof Revoked => "* this room is closed: $event->detail",
            default => null, // a kind of event of a later version
        };
        if ($line !== null) {
            $this->write($line);
        }
    }

    /** A guest who does not read misses lines, and disturbs nobody. */
    private function write(string $line): void
    {
        if (!$this->isGone) {
            @fwrite($this->stream, "$line\n");
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
$client = new Client($arguments['relay'] ?? Client::DEFAULT_PATH, 'chatroom');
$server = stream_socket_server('tcp://' . ($arguments['listen'] ?? '127.0.0.1:7001'), $code, $reason)
    ?: exit("$reason\n");
echo 'listening on ', stream_socket_get_name($server, false), "\n";
$client->connect();
$guests = [];
while (true) {
    ['read' => $read, 'write' => $write, 'seconds' => $seconds] = $client->interest();
    $read = [...$read, $server, ...array_map(static fn (Guest $guest) => $guest->stream, $guests)];
    $others = null;
    $microseconds = (int) ceil(($seconds ?? 60) * 1e6);
    stream_select($read, $write, $others, intdiv($microseconds, 1_000_000), $microseconds % 1_000_000);
    foreach ($read as $stream) {
        if ($stream === $server) {
            $guest = new Guest(stream_socket_accept($server), $client);
            $guests[(int) $guest->stream] = $guest;
        } elseif (isset($guests[(int) $stream]) && !$guests[(int) $stream]->read()) {
            $guests[(int) $stream]->leave();
            unset($guests[(int) $stream]);
        }
    }
    $client->tick();
}
