<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * Some channels and patterns, and the queue where their messages go. A Subscription has one.
 *
 * @internal
 */
final class Listener
{
    /** @var list<Name> */
    public array $names = [];

    /** Whether it counts among those because of which the socket is read. */
    public bool $isCounted = false;

    public bool $isClosed = false;

    public function __construct(public readonly EventQueue $queue)
    {
    }
}
