<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * One channel or pattern, and who wants it.
 *
 * @internal
 */
final class Name
{
    /** Subscribed to by `subscribe`, by the last answer. */
    public bool $isPlain = false;

    /** The same by the last request, which may be unanswered. */
    public bool $wantsPlain = false;

    /** Plain requests that are unanswered. */
    public int $openRequests = 0;

    /** @var array<int, Listener> by their spl_object_id */
    public array $listeners = [];

    /** @var array<int, EventQueue> where its messages go, by their spl_object_id */
    public array $queues = [];

    /** The unanswered Subscribe that was written last. */
    public ?Request $asking = null;

    /** As it stands in a Subscribe. */
    public readonly string $field;

    public function __construct(public readonly string $text, public readonly bool $isPattern)
    {
        $this->field = Codec::field($isPattern ? 3 : 2, $text);
    }

    /** Somebody has asked for it, and has not given it up. */
    public function isWanted(): bool
    {
        return $this->wantsPlain || $this->listeners !== [];
    }

    /** Nobody wants it, hears it or waits for an answer about it. */
    public function isForgotten(): bool
    {
        return !$this->isWanted() && !$this->isPlain && $this->queues === [] && $this->openRequests === 0;
    }
}
