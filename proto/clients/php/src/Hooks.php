<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Called around publishes and deliveries, for tracing. Override what you need. A hook must not block. What it throws
 * harms neither the publish nor the delivery: it comes out of `run` or `tick`, or of a call that waits.
 *
 * Payloads are opaque, so the context of a trace travels in the application's own envelope.
 */
abstract class Hooks
{
    /**
     * A publish or a send begins.
     *
     * @return mixed anything: `afterPublish` is given it
     */
    public function beforePublish(string $channel, string $payload): mixed
    {
        return null;
    }

    /**
     * It has ended. A send has no receivers, and ends at once.
     */
    public function afterPublish(mixed $context, ?int $receivers, ?\Throwable $error): void
    {
    }

    /** The application is given this message. */
    public function beforeDelivery(Message $message): void
    {
    }

    /** The application asks for the next event, or its handler has returned. */
    public function afterDelivery(Message $message): void
    {
    }
}
