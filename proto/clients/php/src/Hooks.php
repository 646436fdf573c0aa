<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Called around publishes and deliveries, for tracing. Override the methods that you need. A hook must not block. Its
 * exceptions affect neither the publish nor the delivery: `run` or `tick`, or a call that waits, throws them.
 *
 * The client does not read payloads, so the application has to carry the context of a trace in its own envelope.
 */
abstract class Hooks
{
    /**
     * A publish or a send begins.
     *
     * @return mixed any value: `afterPublish` gets it
     */
    public function beforePublish(string $channel, string $payload): mixed
    {
        return null;
    }

    /**
     * The publish or send has ended. A send has no receivers, and ends at once.
     */
    public function afterPublish(mixed $context, ?int $receivers, ?\Throwable $error): void
    {
    }

    /** The application is about to get this message. */
    public function beforeDelivery(Message $message): void
    {
    }

    /** The application asks for the next event, or its handler has returned. */
    public function afterDelivery(Message $message): void
    {
    }
}
