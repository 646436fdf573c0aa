<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\HubrelayException;

/**
 * What decides about the connections of a Client or of a Publisher, without sockets and without waiting: calls and
 * bytes go in; actions, bytes and events come out, and futures are settled.
 *
 * After each call the owner of the sockets performs the actions, writes, and minds the deadline of the timers.
 *
 * @internal
 */
abstract class Machine
{
    /** @var list<array{Action, Link}> what the owner of the sockets is to do, in this order */
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

    /** The connection that `tick` would give up now: what lies in its socket is to be read before. */
    abstract public function giveUpCandidate(float $now): ?Link;

    /** The process has forked, and this is the child: it ends, and what waits here fails. Idempotent. */
    abstract public function abandoned(HubrelayException $error): void;

    /** What is due happens. */
    abstract public function tick(float $now): void;
}
