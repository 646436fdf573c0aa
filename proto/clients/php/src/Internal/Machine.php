<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\HubrelayException;

/**
 * Makes the decisions about the connections of a Client or Publisher, without sockets and without waiting. Its input is
 * calls and bytes. Its output is actions, bytes and events, and it settles futures.
 *
 * After each call, the owner of the sockets performs the actions, writes, and watches the deadline of the timers.
 *
 * @internal
 */
abstract class Machine
{
    /** @var list<array{Action, Link}> what the owner of the sockets has to do, in this order */
    public array $actions = [];

    public bool $isClosed = false;

    public function __construct(public readonly Timers $timers)
    {
    }

    /** The socket is connected. */
    abstract public function opened(Link $link): void;

    /** The socket could not be connected. */
    abstract public function failed(Link $link, string $why): void;

    /** Bytes that were read. */
    abstract public function received(Link $link, string $data): void;

    /** The socket was closed by the relay, or has failed. */
    abstract public function ended(Link $link, string $why, bool $hasFailed = false): void;

    /** The socket has taken some bytes. */
    abstract public function wrote(): void;

    /** The connection that `tick` would give up now. The owner reads its socket first. */
    abstract public function giveUpCandidate(float $now): ?Link;

    /** This is the child after a fork: the machine ends, and what waits in it fails. Idempotent. */
    abstract public function abandoned(HubrelayException $error): void;

    /** Handles the timers that are due. */
    abstract public function tick(float $now): void;
}
