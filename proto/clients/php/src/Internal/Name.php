<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * One channel or pattern, and those that want it.
 *
 * @internal
 */
final class Name
{
    /** Whether it is subscribed to by `subscribe`, according to the last answer. */
    public bool $isPlain = false;

    /** The same according to the last request, which may be unanswered. */
    public bool $wantsPlain = false;

    /** The number of plain requests that are unanswered. */
    public int $openRequests = 0;

    /** @var array<int, Listener> by their spl_object_id */
    public array $listeners = [];

    /** @var array<int, EventQueue> the queues that get its messages, by their spl_object_id */
    public array $queues = [];

    /** The unanswered Subscribe that was written last. */
    public ?Request $asking = null;

    /** Its encoded field in a Subscribe. */
    public readonly string $field;

    public function __construct(public readonly string $text, public readonly bool $isPattern)
    {
        $this->field = Codec::field($isPattern ? 3 : 2, $text);
    }

    /** Whether somebody has asked for it, and has not given it up. */
    public function isWanted(): bool
    {
        return $this->wantsPlain || $this->listeners !== [];
    }

    /** Whether nobody wants it, receives its messages or waits for an answer about it. */
    public function isForgotten(): bool
    {
        return !$this->isWanted() && !$this->isPlain && $this->queues === [] && $this->openRequests === 0;
    }
}
