<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * The base class of all errors of this package.
 */
abstract class HubrelayException extends \RuntimeException
{
    /** The outcome that the relay answered, one of Outcome. If the relay was not asked, the client has set it. */
    public readonly int $outcome;

    /**
     * @param list<string> $channels for a subscription: those that were refused, as many as fit into a frame
     * @param list<string> $patterns
     */
    final public function __construct(
        string $detail = '',
        public readonly array $channels = [],
        public readonly array $patterns = [],
        ?int $outcome = null,
    ) {
        parent::__construct($detail);
        $this->outcome = $outcome ?? static::defaultOutcome();
    }

    /** The class's name without "Exception", as in Counters. */
    final public function shortName(): string
    {
        return \substr((string) \strrchr(static::class, '\\'), 1, -\strlen('Exception'));
    }

    /** The outcome that this class represents. */
    protected static function defaultOutcome(): int
    {
        return Outcome::UNSPECIFIED;
    }

    /**
     * The error for a Reply that is not OK.
     *
     * @param list<string> $channels
     * @param list<string> $patterns
     * @internal
     */
    final public static function ofReply(int $outcome, string $detail, array $channels, array $patterns): self
    {
        $class = match ($outcome) {
            Outcome::NOT_CONNECTED => NotConnectedException::class,
            Outcome::INTERRUPTED => InterruptedException::class,
            Outcome::REFUSED => RefusedException::class,
            Outcome::INVALID => InvalidException::class,
            Outcome::LIMIT => LimitException::class,
            default => UnknownOutcomeException::class,
        };

        return new $class($detail !== '' ? $detail : Outcome::name($outcome), $channels, $patterns, $outcome);
    }
}
