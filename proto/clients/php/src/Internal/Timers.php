<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * The timers of a client: named, at most one of each name, and one deadline for all of them.
 *
 * @internal
 */
final class Timers
{
    /** When the first is due, by Clock; null if none is set. */
    public ?float $deadline = null;

    /** @var array<string, float> */
    private array $due = [];

    /** From now on; null takes the timer away. */
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

    /** When this timer is due, by Clock; null if it is not set. */
    public function dueAt(string $name): ?float
    {
        return $this->due[$name] ?? null;
    }

    /**
     * Name and time of those that are due, each taken away. What one of them changes counts for those behind it.
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

    /** Takes all timers away. */
    public function clear(): void
    {
        $this->due = [];
        $this->deadline = null;
    }
}
