<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Hooks;
use Hubrelay\Message;

/**
 * Calls the application's hooks. Their exceptions have no effect here.
 *
 * @internal
 */
final class Tracing
{
    /**
     * @param \Closure(\Throwable): void $failed gets the exceptions of hooks
     */
    public function __construct(private readonly Hooks $hooks, private readonly \Closure $failed)
    {
    }

    /**
     * A publish begins.
     *
     * @return \Closure(?\Throwable, mixed): mixed call it when the publish ends, with the error or the receivers; it
     *                                             returns the receivers
     */
    public function beforePublish(string $channel, string $payload): \Closure
    {
        $context = $this->call(fn (): mixed => $this->hooks->beforePublish($channel, $payload));

        return function (?\Throwable $error, mixed $receivers) use ($context): mixed {
            $this->call(fn () => $this->hooks->afterPublish($context, $receivers, $error));

            return $receivers;
        };
    }

    public function beforeDelivery(Message $message): void
    {
        $this->call(fn () => $this->hooks->beforeDelivery($message));
    }

    public function afterDelivery(Message $message): void
    {
        $this->call(fn () => $this->hooks->afterDelivery($message));
    }

    private function call(\Closure $hook): mixed
    {
        try {
            return $hook();
        } catch (\Throwable $error) {
            ($this->failed)($error);

            return null;
        }
    }
}
