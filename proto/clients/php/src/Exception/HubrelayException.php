<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

use Hubrelay\Outcome;

/**
 * Every error of this package is one of its subclasses.
 */
abstract class HubrelayException extends \RuntimeException
{
    /** What the relay answered, one of Outcome; the client's own word where the relay was not asked. */
    public readonly int $outcome;

    /**
     * @param list<string> $channels of a subscription: those that were refused, as many as fit a frame
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

    /** The class's name without "Exception", which is how Counters name it. */
    final public function shortName(): string
    {
        return \substr((string) \strrchr(static::class, '\\'), 1, -\strlen('Exception'));
    }

    /** The outcome that this class stands for. */
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
