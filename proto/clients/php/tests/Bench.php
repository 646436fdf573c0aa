<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Counters;
use Hubrelay\Event;
use Hubrelay\Internal\Action;
use Hubrelay\Internal\Clock;
use Hubrelay\Internal\Codec;
use Hubrelay\Internal\Core;
use Hubrelay\Internal\Decoder;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\Internal\Link;
use Hubrelay\Internal\Listener;
use Hubrelay\Internal\Schema;
use Hubrelay\Internal\Splitter;
use Hubrelay\Options;
use Hubrelay\State;
use Hubrelay\Status;

/**
 * A Core without sockets: a test says what comes, and looks at what is written and told.
 */
final class Bench
{
    public readonly Core $core;

    public readonly Counters $counters;

    public readonly Recorder $recorder;

    /** @var array<int, Splitter> what was written, by link */
    private array $written = [];

    /** @var list<Link> */
    public array $closed = [];

    public function __construct(Options $options = new Options())
    {
        $this->counters = new Counters();
        $this->recorder = new Recorder();
        $this->core = new Core('test', $options, $this->counters);
        $this->core->start();
    }

    public static function up(int $gaps = 0): Status
    {
        return new Status(State::UP, publishing: true, receiving: true, gaps: $gaps);
    }

    /** The link that the core wants opened, and has just been told that it is. */
    public function open(): Link
    {
        foreach ($this->core->actions as $index => [$action, $link]) {
            if ($action === Action::Open) {
                \array_splice($this->core->actions, $index, 1);
                $this->core->opened($link);

                return $link;
            }
        }
        throw new \AssertionError('no connection is wanted');
    }

    /**
     * @param list<string> $features
     */
    public function welcome(
        string $relay = 'a',
        array $features = ['patterns', 'settled', 'fence'],
        ?Status $status = null,
        int $maxFrame = 100_000,
    ): Link {
        $link = $this->open();
        $this->say($link, new Welcome(1, '0.1.0', $relay, $maxFrame, $status ?? self::up(), 90_000, $features));
        $this->written($link);

        return $link;
    }

    /** The relay says something. */
    public function say(Link $link, object ...$frames): void
    {
        $this->core->received($link, \implode('', \array_map(Codec::encode(...), $frames)));
    }

    /**
     * @return list<object> what was written on this link since the last time
     */
    public function written(Link $link): array
    {
        $splitter = $this->written[\spl_object_id($link)] ??= new Splitter(1 << 24);
        $bytes = '';
        while (($data = $link->toWrite()) !== '') {
            $link->wrote(\strlen($data));
            $bytes .= $data;
        }
        $frames = [];
        $ends = $splitter->cut($bytes);
        for ($index = 1; $index < \count($ends); $index++) {
            $start = $ends[$index - 1] + 4;
            $body = \substr($splitter->buffer, $start, $ends[$index] - $start);
            $frames[] = Decoder::decode($body, Schema::CLIENT_FRAME);
        }
        $this->core->wrote();

        return $frames;
    }

    /**
     * @return list<Event> what was told since the last time
     */
    public function events(): array
    {
        $events = [];
        while (($event = $this->core->telling->events->take()) !== null) {
            $events[] = $event;
        }

        return $events;
    }

    /** So many seconds later. */
    public function tick(float $seconds): void
    {
        $this->core->tick(Clock::now() + $seconds);
    }

    /** Listens, with the relay's answer where there is one. */
    public function listener(): Listener
    {
        return new Listener($this->core->telling->newQueue());
    }
}
