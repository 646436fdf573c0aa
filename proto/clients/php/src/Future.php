<?php

declare(strict_types=1);

namespace Hubrelay;

use Hubrelay\Exception\HubrelayException;
use Hubrelay\Internal\Driver;

/**
 * The result of a call that may still be in progress. It belongs to the process in which it was made.
 *
 * @template T
 */
final class Future
{
    /**
     * @internal
     */
    public bool $isSettled = false;

    /**
     * The place of a publish among those that wait for room; null if it does not wait there.
     *
     * @internal
     */
    public ?int $waitingPlace = null;

    private mixed $result = null;

    private ?\Throwable $error = null;

    /** @var list<\Closure(?\Throwable, mixed): void> */
    private array $callbacks = [];

    private bool $isObserved = false;

    /**
     * @internal
     * @param ?\Closure(?\Throwable, mixed): mixed $settling called at once with the error, or with the result; its
     *                                              return value becomes the result
     * @param ?Counters                            $failures counts a failure
     */
    public function __construct(
        private readonly Driver $driver,
        private readonly ?\Closure $settling = null,
        private readonly ?Counters $failures = null,
    ) {
    }

    /** Whether there is a result, or an error. */
    public function isSettled(): bool
    {
        return $this->isSettled;
    }

    /**
     * Waits for the result. In a Fiber that Client::spawn has started, other Fibers run meanwhile. Elsewhere this call
     * itself reads and writes the client's sockets.
     *
     * @param ?float $timeout in seconds; null: as long as it takes
     * @return T the result of the call: for a publish, the number of receivers
     * @throws HubrelayException as documented at the call. After the timeout a publish fails with CongestedException if
     *                           nothing was sent. Everything else fails with InterruptedException
     */
    public function await(?float $timeout = null): mixed
    {
        if (!$this->isSettled) {
            $this->isObserved = true;
            $this->driver->drive($this, $timeout);
        }
        if (!$this->isSettled) {
            $this->fail($this->driver->giveUp($this));
        }
        if ($this->error !== null) {
            throw $this->error;
        }

        return $this->result;
    }

    /**
     * Calls back with the error, or with null and the result. The client's loop calls it, even if it is settled
     * already.
     *
     * @param callable(?\Throwable, ?T): void $callback
     */
    public function onSettled(callable $callback): void
    {
        $this->isObserved = true;
        $this->callbacks[] = $callback(...);
        if ($this->isSettled) {
            $this->callBack();
        }
    }

    /**
     * Gives up the call. It fails with CongestedException if nothing was sent. Otherwise it fails with
     * InterruptedException: it is unknown whether it has an effect. It still counts as unanswered until the relay
     * answers.
     */
    public function cancel(): void
    {
        if (!$this->isSettled) {
            $this->fail($this->driver->giveUp($this));
        }
    }

    /**
     * Whether somebody waits for it, or has registered a callback.
     *
     * @internal
     */
    public function isObserved(): bool
    {
        return $this->isObserved;
    }

    /**
     * Settles it, unless it was given up.
     *
     * @internal
     */
    public function complete(mixed $result = null): void
    {
        if ($this->isSettled) {
            return;
        }
        $this->isSettled = true;
        $this->result = $this->settling === null ? $result : ($this->settling)(null, $result);
        if ($this->callbacks !== []) {
            $this->callBack();
        }
    }

    /**
     * Settles it with an error, unless it was given up.
     *
     * @internal
     */
    public function fail(\Throwable $error): void
    {
        if ($this->isSettled) {
            return;
        }
        $this->isSettled = true;
        $this->error = $error;
        if ($this->failures !== null && $error instanceof HubrelayException) {
            $this->failures->fail($error);
        }
        if ($this->settling !== null) {
            ($this->settling)($error, null);
        }
        $this->callBack();
    }

    private function callBack(): void
    {
        foreach ($this->callbacks as $callback) {
            $this->driver->later(fn () => $callback($this->error, $this->result));
        }
        $this->callbacks = [];
    }
}
