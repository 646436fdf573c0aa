<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Client;
use Hubrelay\Message;
use Hubrelay\Publisher;
use Hubrelay\Testing\FakeRelay;

/**
 * With other processes: forks, the example, and what the README shows.
 */
final class ProcessTest extends TestCase
{
    private const PATIENCE = 60;

    private static function directory(TestCase $test): string
    {
        $directory = \sys_get_temp_dir() . '/hubrelay-' . \bin2hex(\random_bytes(6));
        \mkdir($directory, 0700);
        $test->cleanUp(static function () use ($directory): void {
            \array_map('unlink', \glob("$directory/*") ?: []);
            \rmdir($directory);
        });

        return $directory;
    }

    /** A program of PHP, which is ended with the test. */
    private function start(string ...$arguments): mixed
    {
        $process = \proc_open([\PHP_BINARY, ...$arguments], [1 => ['pipe', 'w']], $pipes);
        $this->cleanUp(static function () use ($process, $pipes): void {
            \proc_terminate($process, 9);
            \fclose($pipes[1]);
            \proc_close($process);
        });

        return $pipes[1];
    }

    public function testTheExampleIsOneRoomOnTwoServers(): void
    {
        $directory = self::directory($this);
        $relay = new FakeRelay();
        $relay->listen("$directory/relay.sock");
        $guests = [];
        foreach (['one', 'other'] as $name) {
            $output = $this->start(
                __DIR__ . '/../examples/chat_room.php',
                '-relay',
                "$directory/relay.sock",
                '-listen',
                '127.0.0.1:0',
            );
            $address = \trim(\substr((string) \fgets($output), \strlen('listening on ')));
            $guests[$name] = \stream_socket_client("tcp://$address");
            \fwrite($guests[$name], "lobby\nhello from $name\n");
            self::assertTrue($this->hears($relay, $guests[$name], "hello from $name"), "$name does not hear himself");
        }
        \fwrite($guests['other'], "how are you?\r\n");
        self::assertTrue($this->hears($relay, $guests['one'], 'how are you?'), 'one does not hear the other');
        self::assertEquals(new Message('room.lobby', 'hello from one'), $relay->published[0]);
    }

    /**
     * @param resource $guest
     */
    private function hears(FakeRelay $relay, mixed $guest, string $line): bool
    {
        \stream_set_blocking($guest, false);
        $heard = '';
        for ($deadline = \hrtime(true) + self::PATIENCE * 1e9; \hrtime(true) < $deadline; $relay->wait(0.01)) {
            $heard .= \fread($guest, 8192);
            if (\str_contains($heard, "$line\n")) {
                return true;
            }
        }

        return false;
    }

    public function testAChildIsANewClient(): void
    {
        if (!\function_exists('pcntl_fork')) {
            return;
        }
        $directory = self::directory($this);
        $relay = new FakeRelay();
        $relay->listen("$directory/relay.sock");
        $parent = new Client("$directory/relay.sock", 'parent');
        $publisher = new Publisher("$directory/relay.sock", 'publisher');
        $listening = $parent->listenAsync(['room']);
        $until = function (\Closure $isDone) use ($relay, $parent, $publisher): void {
            for ($deadline = \hrtime(true) + self::PATIENCE * 1e9; !$isDone(); $relay->wait(0.01)) {
                self::assertTrue(\hrtime(true) < $deadline, 'waited too long');
                $parent->tick();
                $publisher->tick();
            }
        };
        $until(static fn (): bool => $listening->isSettled());
        $room = $listening->await();
        $publishing = $publisher->publishAsync('room', 'of the parent');
        $until(static fn (): bool => $publishing->isSettled());
        $child = \pcntl_fork();
        if ($child === 0) {
            $isOver = $room->next() === null && $room->isEnded();
            $parent->publish('room', $isOver ? 'of a child' : 'the subscription goes on', 20.0);
            $publisher->publish('room', 'of its publisher', 20.0);
            \posix_kill(\getmypid(), \SIGKILL); // without the parent's destructors
        }
        $until(static fn (): bool => \count($relay->published) === 3);
        \pcntl_waitpid($child, $status);
        self::assertSame(
            ['of the parent', 'of a child', 'of its publisher'],
            \array_map(static fn (Message $message): string => $message->payload, $relay->published),
        );
        $again = $parent->publishAsync('room', 'of the parent again');
        $until(static fn (): bool => $again->isSettled());
        self::assertSame(1, $again->await()); // the parent's connection lives, and listens
        self::assertSame(
            ['of the parent', 'of a child', 'of its publisher', 'of the parent again'],
            \array_map(static fn ($event): string => $event->payload, [
                $room->next(1), $room->next(1), $room->next(1), $room->next(1),
            ]),
        );
        $closing = $parent->closeAsync(0.0);
        $until(static fn (): bool => $closing->isSettled());
        $publisher->close(0.0);
    }

    /** Every example of the README in PHP is run. */
    public function testTheReadme(): void
    {
        $text = (string) \file_get_contents(__DIR__ . '/../README.md');
        \preg_match_all('/^ *```php\n(.*?)^ *```$/ms', $text, $examples);
        self::assertSame(5, \count($examples[1]));
        $directory = self::directory($this);
        $output = $this->start(__DIR__ . '/relay.php', "$directory/relay.sock");
        self::assertSame("listening\n", \fgets($output));
        foreach ($examples[1] as $example) {
            $file = "$directory/example.php";
            $replaced = ['/run/hubrelay/hubrelay.sock' => "$directory/relay.sock", '->run()' => '->tick()'];
            \file_put_contents($file, \sprintf(
                "<?php\ndeclare(strict_types=1);\nrequire %s;\nrequire %s;\n%s\n",
                \var_export(__DIR__ . '/../autoload.php', true),
                \var_export(__DIR__ . '/readme.php', true),
                \strtr($example, $replaced),
            ));
            $output = [];
            \exec(\PHP_BINARY . ' -d zend.assertions=1 ' . \escapeshellarg($file) . ' 2>&1', $output, $code);
            self::assertSame([0, ''], [$code, \implode("\n", $output)], $example);
        }
    }
}
