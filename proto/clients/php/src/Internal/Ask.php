<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Future;
use Hubrelay\Internal\Frame\Reply;

/**
 * What the application asked for by one call: perhaps several frames, and one answer.
 *
 * @internal
 */
final class Ask
{
    /** Parts of it that are unanswered. */
    public int $parts = 0;

    public bool $isPending = false;

    public ?Reply $failure = null;

    /** @var array<int, Name> granted by this call, and not subscribed to before */
    public array $fresh = [];

    public function __construct(public readonly Future $future, public readonly ?Listener $listener = null)
    {
    }
}
