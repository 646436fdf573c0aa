<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Future;
use Hubrelay\Internal\Frame\Reply;

/**
 * One call of the application about names. It may need several frames, and has one answer.
 *
 * @internal
 */
final class Ask
{
    /** The number of its parts that are unanswered. */
    public int $parts = 0;

    public bool $isPending = false;

    public ?Reply $failure = null;

    /** @var array<int, Name> granted by this call, and not subscribed to before */
    public array $fresh = [];

    public function __construct(public readonly Future $future, public readonly ?Listener $listener = null)
    {
    }
}
