<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Internal\Frame\Reply;

/**
 * A request that is no publish.
 *
 * @internal
 */
final class Request
{
    /** @var list<array{Ask, Name}> who else waits for its answer */
    public array $joined = [];

    /** The connection has ended, and this had not been written. */
    public bool $isUnwritten = false;

    /**
     * @param \Closure(Link, Request, ?Reply): void $answer called once, with the Reply, or with null at the end of the
     *                                                     connection
     */
    public function __construct(public readonly \Closure $answer, public readonly bool $isSubscribe = false)
    {
    }

    /** One whose answer changes nothing. */
    public static function ignored(): self
    {
        return new self(static function (): void {
        });
    }
}
