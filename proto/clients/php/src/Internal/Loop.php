<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Connector;
use Hubrelay\EventStream;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Future;

/**
 * The turns of a Client or Publisher: sockets, timers, callbacks, handlers and Fibers.
 *
 * @internal
 */
final class Loop
{
    /** @var ?\Closure(): void called when what is waited for may have changed outside of a turn */
    public ?\Closure $onInterest = null;

    private readonly Sockets $sockets;

    /** @var list<\Closure(): void> */
    private array $callbacks = [];

    /** @var array<int, EventStream> the streams that have events for their handler */
    private array $ready = [];

    /** @var \WeakMap<\Fiber, Future> the Fibers of `spawn`, and their results */
    private \WeakMap $fibers;

    /** @var array<int, array{float, \Closure(): void}> timeouts of Fibers that wait */
    private array $timeouts = [];

    private int $lastTimeout = 0;

    /** @var list<\Throwable> errors that belong to no result */
    private array $unhandled = [];

    /** How many turns are running, one inside another. What one of them queues is written at its end. */
    private int $depth = 0;

    private bool $isRunning = false;

    private bool $isStopped = false;

    private readonly int $pid;

    public function __construct(private readonly Machine $machine, Connector $connector, string $path)
    {
        $this->sockets = new Sockets($machine, $connector, $path);
        $this->fibers = new \WeakMap();
        $this->pid = \getmypid();
    }

    /**
     * Runs until `stop` is called, or the machine is closed and nothing is left to call. Also ends in a child after a
     * fork.
     */
    public function run(): void
    {
        $wasRunning = $this->isRunning;
        $this->isStopped = false;
        $this->isRunning = true;
        try {
            while ($this->goesOn() && !($this->machine->isClosed && $this->callbacks === [] && $this->ready === [])) {
                $this->tick(null);
            }
        } finally {
            $this->isRunning = $wasRunning;
        }
    }

    /** Makes `run` return. */
    public function stop(): void
    {
        $this->isStopped = true;
    }

    public function isStopped(): bool
    {
        return $this->isStopped;
    }

    /** Whether this is a child of the process that made the loop: then the sockets belong to the parent. */
    public function isForeign(): bool
    {
        return $this->pid !== \getmypid();
    }

    /** Whether the next handler may be called. */
    public function goesOn(): bool
    {
        return !($this->isRunning && $this->isStopped) && $this->pid === \getmypid();
    }

    /** Does one turn, and calls the handlers. */
    public function tick(?float $seconds): void
    {
        $deadline = $seconds === null ? null : Clock::now() + $seconds;
        $this->turn($this->ready === [] ? $deadline : 0.0);
        $this->dispatch();
        $this->throwUnhandled();
    }

    /** Calls each handler for a part of its events, so that neither other handlers nor the sockets wait long. */
    private function dispatch(): void
    {
        $ready = $this->ready;
        $this->ready = [];
        $this->depth++;
        try {
            foreach ($ready as $id => $stream) {
                if (!$this->goesOn()) {
                    break;
                }
                unset($ready[$id]);
                $stream->dispatch($this);
            }
        } finally {
            $this->ready = $ready + $this->ready; // streams left over after a handler's exception come first
            $this->depth--;
            $this->endTurn();
        }
    }

    /** Writes what is queued, but not in a child after a fork. */
    private function endTurn(): void
    {
        if ($this->isForeign()) {
            $this->abandon();
        } else {
            $this->sockets->flush();
        }
    }

    /**
     * Waits for the sockets, but not longer than until the deadline, and does all work except the handlers.
     */
    private function turn(?float $deadline): void
    {
        $this->depth++;
        try {
            if ($this->callbacks !== []) {
                $deadline = 0.0;
                $this->callBack();
            }
            if (!$this->isForeign()) {
                $this->turnSockets($deadline);
            }
            if ($this->callbacks !== []) {
                $this->callBack();
                $this->endTurn();
            }
        } finally {
            $this->depth--;
        }
    }

    private function turnSockets(?float $deadline): void
    {
        $timers = $this->machine->timers;
        if ($timers->deadline !== null && ($deadline === null || $timers->deadline < $deadline)) {
            $deadline = $timers->deadline;
        }
        foreach ($this->timeouts as [$due]) {
            $deadline = $deadline === null ? $due : \min($deadline, $due);
        }
        $this->sockets->turn($deadline === null ? 60.0 : ($deadline > 0 ? $deadline - \hrtime(true) / 1e9 : 0.0));
        $now = \hrtime(true) / 1e9;
        if ($timers->deadline !== null && $timers->deadline <= $now) {
            $this->sockets->tick($now);
        }
        if ($this->timeouts !== []) {
            $this->timeOut($now);
        }
    }

    private function callBack(): void
    {
        while ($this->callbacks !== []) {
            $callbacks = $this->callbacks;
            $this->callbacks = [];
            foreach ($callbacks as $index => $callback) {
                unset($callbacks[$index]);
                try {
                    $callback();
                } catch (\Throwable $error) {
                    $this->unhandled[] = $error;
                }
                if ($this->isForeign()) {
                    $this->abandon();

                    return;
                }
            }
        }
    }

    /** Runs the callbacks of what was settled outside of a turn. */
    public function drain(): void
    {
        if ($this->depth > 0) {
            return;
        }
        $this->depth++;
        try {
            $this->callBack();
            $this->endTurn();
        } finally {
            $this->depth--;
        }
        $this->throwUnhandled();
    }

    /** Takes an error of a callback, a hook or a task that belongs to no result: the next turn throws it. */
    public function unhandled(\Throwable $error): void
    {
        $this->unhandled[] = $error;
    }

    private function throwUnhandled(): void
    {
        if ($this->unhandled !== []) {
            throw \array_shift($this->unhandled);
        }
    }

    private function timeOut(float $now): void
    {
        foreach ($this->timeouts as $id => [$due, $callback]) {
            if ($due <= $now) {
                unset($this->timeouts[$id]);
                $callback();
            }
        }
    }

    /**
     * Waits until the future is settled, for at most that many seconds.
     *
     * @param bool $throws whether errors that belong to no result are thrown here, if no turn is running
     */
    public function drive(Future $future, ?float $seconds, bool $throws = true): void
    {
        $fiber = \Fiber::getCurrent();
        if ($fiber !== null && isset($this->fibers[$fiber])) {
            $this->suspend($fiber, $future, $seconds);

            return;
        }
        $deadline = $seconds === null ? null : Clock::now() + $seconds;
        while (!$future->isSettled) { // at least one turn: otherwise a caller that polls would prevent all work
            $this->turn($deadline);
            if ($this->isForeign()) {
                return;
            }
            if ($throws && $this->depth === 0 && !$future->isSettled) {
                $this->throwUnhandled();
            }
            if ($deadline !== null && Clock::now() >= $deadline) {
                return;
            }
        }
    }

    private function suspend(\Fiber $fiber, Future $future, ?float $seconds): void
    {
        $isWaiting = true;
        $resume = static function () use ($fiber, &$isWaiting): void {
            if ($isWaiting) {
                $isWaiting = false;
                $fiber->resume();
            }
        };
        $future->onSettled($resume);
        $timeout = ++$this->lastTimeout;
        if ($seconds !== null) {
            $this->timeouts[$timeout] = [Clock::now() + $seconds, $resume];
        }
        \Fiber::suspend();
        unset($this->timeouts[$timeout]);
    }

    public function spawn(\Closure $task, Driver $driver): Future
    {
        $future = new Future($driver);
        $fiber = new \Fiber(function () use ($task, $future): void {
            try {
                $result = $task();
            } catch (\Throwable $error) {
                if (!$future->isObserved()) {
                    $this->unhandled[] = $error;
                }
                $future->fail($error);

                return;
            }
            $future->complete($result);
        });
        $this->fibers[$fiber] = $future;
        $this->later(static fn () => $fiber->start());

        return $future;
    }

    /** Calls back in this turn or the next one. */
    public function later(\Closure $callback): void
    {
        $this->callbacks[] = $callback;
        $this->changed();
    }

    /** A stream has events for its handler. */
    public function isReady(EventStream $stream): void
    {
        $this->ready[\spl_object_id($stream)] = $stream;
        $this->changed();
    }

    /** Notifies another event loop that there may be work. */
    public function changed(): void
    {
        if ($this->depth === 0 && $this->onInterest !== null) {
            try {
                ($this->onInterest)();
            } catch (\Throwable $error) {
                $this->unhandled[] = $error;
            }
        }
    }

    /** Writes at once. Not within a turn, which writes at its end, nor for another loop, which calls back soon. */
    public function flush(): void
    {
        if ($this->depth === 0 && $this->onInterest === null) {
            $this->sockets->flush();
        }
    }

    /** Reads what has come, without waiting. */
    public function poll(): void
    {
        $this->sockets->turn(0.0);
    }

    /**
     * @return array{read: list<resource>, write: list<resource>, seconds: ?float}
     */
    public function interest(): array
    {
        $due = $this->machine->timers->deadline;
        foreach ($this->timeouts as [$at]) {
            $due = $due === null ? $at : \min($due, $at);
        }
        $isDue = $this->callbacks !== [] || $this->ready !== [] || $this->machine->actions !== [];

        return [
            'read' => \array_values($this->sockets->toRead()),
            'write' => \array_values($this->sockets->toWrite()),
            'seconds' => $isDue ? 0.0 : ($due === null ? null : \max(0.0, $due - Clock::now())),
        ];
    }

    /** In the child after a fork: nothing that waits here continues. Idempotent. */
    public function abandon(): void
    {
        $this->sockets->abandon();
        $this->machine->abandoned(new InterruptedException('the process has forked; the parent goes on with this'));
        foreach ($this->fibers as $future) {
            $future->fail(new InterruptedException('the process has forked; the parent goes on with this task'));
        }
        $this->callbacks = $this->ready = $this->timeouts = $this->unhandled = [];
    }
}
