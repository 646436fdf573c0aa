<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Future;

/**
 * A Driver that its futures do not keep alive. When it is gone they are settled: its destructor waits for their
 * answers.
 *
 * @internal
 */
final class WeakDriver implements Driver
{
    /** @var \WeakReference<Driver> */
    private readonly \WeakReference $driver;

    public function __construct(Driver $driver)
    {
        $this->driver = \WeakReference::create($driver);
    }

    public function drive(Future $future, ?float $seconds): void
    {
        $this->driver->get()?->drive($future, $seconds);
    }

    public function later(\Closure $callback): void
    {
        $driver = $this->driver->get();
        if ($driver === null) {
            $callback(); // there are no more turns
        } else {
            $driver->later($callback);
        }
    }

    public function giveUp(Future $future): HubrelayException
    {
        return $this->driver->get()?->giveUp($future) ?? new InterruptedException('the publisher is gone');
    }
}
