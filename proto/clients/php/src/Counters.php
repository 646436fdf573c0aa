<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Counts of what a client has done. Each client needs its own object.
 */
final class Counters
{
    /** Publishes and sends that were handed to the relay. */
    public int $sent = 0;

    /** @var array<string, int> failed publishes and sends, by the exception: "NotConnected" => 3 */
    public array $failed = [];

    /** Messages that were dropped, by the relay or by a queue of this client. */
    public int $lostMessages = 0;

    /** Sends that were lost, or may have been. */
    public int $lostPublishes = 0;

    public int $gaps = 0;

    public int $reconnects = 0;

    /** Bytes in all queues that the application has not taken. A gauge: it shows a value that is counted elsewhere. */
    public int $queuedBytes = 0;

    /**
     * @internal
     */
    public function fail(Exception\HubrelayException $error): void
    {
        $name = $error->shortName();
        $this->failed[$name] = ($this->failed[$name] ?? 0) + 1;
    }
}
