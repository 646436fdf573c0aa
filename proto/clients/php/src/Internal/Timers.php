<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * The timers of a client. Each has a name, which only one timer has. There is one deadline for all of them.
 *
 * @internal
 */
final class Timers
{
    /** The time when the first timer is due, by Clock; null if none is set. */
    public ?float $deadline = null;

    /** @var array<string, float> */
    private array $due = [];

    /** Sets a timer to this many seconds from now; null removes it. */
    public function set(string $name, ?float $seconds): void
    {
        if ($seconds === null) {
            if (!isset($this->due[$name])) {
                return;
            }
            unset($this->due[$name]);
        } else {
            $this->due[$name] = Clock::now() + $seconds;
        }
        $this->deadline = $this->due === [] ? null : \min($this->due);
    }

    /** The time when this timer is due, by Clock; null if it is not set. */
    public function dueAt(string $name): ?float
    {
        return $this->due[$name] ?? null;
    }

    /**
     * Removes each timer that is due, and yields its name and time. The caller may change timers meanwhile:
     * for those not yielded yet, the change takes effect.
     *
     * @return iterable<string, float>
     */
    public function takeDue(float $now): iterable
    {
        foreach ($this->due as $name => $at) {
            if ($at <= $now && ($this->due[$name] ?? $now + 1) <= $now) {
                $this->set($name, null);
                yield $name => $at;
            }
        }
    }

    /** Removes all timers. */
    public function clear(): void
    {
        $this->due = [];
        $this->deadline = null;
    }
}
