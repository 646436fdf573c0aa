<?php

declare(strict_types=1);

namespace Hubrelay\Tests;

use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Future;
use Hubrelay\Internal\Driver;

/**
 * A Driver without sockets: callbacks wait to be called.
 */
final class Recorder implements Driver
{
    /** @var list<\Closure(): void> */
    public array $callbacks = [];

    public function drive(Future $future, ?float $seconds): void
    {
    }

    public function later(\Closure $callback): void
    {
        $this->callbacks[] = $callback;
    }

    public function giveUp(Future $future): HubrelayException
    {
        return new InterruptedException('given up');
    }

    public function future(): Future
    {
        return new Future($this);
    }

    /** The error of a future that has failed; null if it has not. */
    public static function errorOf(Future $future): ?\Throwable
    {
        if (!$future->isSettled()) {
            return null;
        }
        try {
            $future->await();

            return null;
        } catch (\Throwable $error) {
            return $error;
        }
    }
}
