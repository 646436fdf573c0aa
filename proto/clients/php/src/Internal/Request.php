<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Internal\Frame\Reply;

/**
 * A request other than a publish.
 *
 * @internal
 */
final class Request
{
    /** @var list<array{Ask, Name}> others that wait for its answer */
    public array $joined = [];

    /** The connection has ended before this was written. */
    public bool $isUnwritten = false;

    /**
     * @param \Closure(Link, Request, ?Reply): void $answer called once, with the Reply, or with null if the connection
     *                                                      ends before
     */
    public function __construct(public readonly \Closure $answer, public readonly bool $isSubscribe = false)
    {
    }

    /** A request whose answer has no effect. */
    public static function ignored(): self
    {
        return new self(static function (): void {
        });
    }
}
