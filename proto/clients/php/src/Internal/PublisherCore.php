<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Counters;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Future;
use Hubrelay\Internal\Frame\Error;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\Loss;
use Hubrelay\PublisherOptions;

/**
 * The Machine of a Publisher: one connection, which is made when there is something to publish.
 *
 * @internal
 */
final class PublisherCore extends Machine
{
    public readonly Publishing $publishing;

    private ?Link $link = null;

    private ?Future $closing = null;

    /** No attempt to connect is made before this time. */
    private float $notBefore = 0.0;

    /**
     * @throws InvalidException for a name that has more than 64 bytes or is not UTF-8
     */
    public function __construct(
        private readonly string $name,
        private readonly PublisherOptions $options,
        private readonly Counters $counters,
    ) {
        Names::checkClientName($name);
        parent::__construct(new Timers());
        $nothing = static function (Link $link): void {
        };
        $this->publishing = new Publishing($options->unsentBytes, $options->unanswered, $counters, $nothing);
    }

    public function isClosing(): bool
    {
        return $this->closing !== null;
    }

    /** Whether the connection has nothing in progress. The relay may have closed it since then. */
    public function isIdle(): bool
    {
        return $this->link !== null && !$this->link->isOwed() && $this->link->unsent === 0;
    }

    /** Begins to connect if there is no connection, and the pause after a failure is over. */
    public function connect(): void
    {
        if ($this->link === null && Clock::now() >= $this->notBefore) {
            $this->link = new Link(new Names(), $this->takeFrame(...), Move::discard(...));
            $this->publishing->isHeld = true;
            $this->actions[] = [Action::Open, $this->link];
            $this->timers->set('handshake', $this->options->handshake);
        }
    }

    public function opened(Link $link): void
    {
        $link->hello($this->name);
    }

    public function failed(Link $link, string $why): void
    {
        $this->end($link, $why);
    }

    public function received(Link $link, string $data): void
    {
        if ($link->isEnded) {
            return;
        }
        try {
            $link->feed($data);
        } catch (ProtocolException $error) {
            $this->end($link, 'the relay broke the protocol: ' . $error->getMessage());
        }
        $this->afterInput();
    }

    public function ended(Link $link, string $why, bool $hasFailed = false): void
    {
        $this->end($link, $why);
        $this->afterInput();
    }

    public function wrote(): void
    {
        $this->afterInput();
    }

    private function afterInput(): void
    {
        if ($this->publishing->waiting > 0) {
            $this->counters->lostPublishes += $this->publishing->pump();
        }
        $this->considerClosed();
    }

    public function abandoned(HubrelayException $error): void
    {
        $this->publishing->failWaiting($error);
        $this->isClosed = true;
        $this->closing?->complete();
    }

    public function giveUpCandidate(float $now): ?Link
    {
        return null;
    }

    public function tick(float $now): void
    {
        foreach ($this->timers->takeDue($now) as $name => $due) {
            if ($name === 'handshake' && $this->link !== null && $this->link->welcome === null) {
                $this->pause();
                $this->end($this->link, "the relay said nothing for {$this->options->handshake} s");
            } elseif ($name === 'close' && $this->link !== null) {
                $this->end($this->link, 'closed by the application');
            }
        }
        $this->afterInput();
    }

    private function takeFrame(Link $link, object $frame): void
    {
        if ($link->welcome === null) {
            $this->takeFirstFrame($link, $frame);
        } elseif ($frame instanceof Loss) {
            $publishes = Count::sum($frame->publishes, $frame->publishesUnknown);
            $link->lostOfUnsettled = Count::sum($link->lostOfUnsettled, $publishes);
            $this->counters->lostPublishes = Count::sum($this->counters->lostPublishes, $publishes);
        } elseif ($frame instanceof Error) {
            $this->end($link, 'the relay ended the connection: ' . self::explained($frame));
        }
    }

    private function takeFirstFrame(Link $link, object $frame): void
    {
        if ($frame instanceof Error) {
            $this->pause();
            $this->end($link, self::explained($frame));
        } elseif (!$frame instanceof Welcome) {
            $this->end($link, "the relay's first frame is not Welcome");
        } elseif ($frame->version !== 1) {
            $this->pause();
            $this->end($link, "the relay speaks version $frame->version, which this publisher does not");
        } else {
            $link->welcomed($frame);
            $this->timers->set('handshake', null);
            $this->publishing->link = $link;
            $this->publishing->isHeld = false;
        }
    }

    private static function explained(Error $error): string
    {
        return \rtrim(Schema::nameOf(Code::class, $error->code) . ": $error->detail", ': ');
    }

    private function pause(): void
    {
        $this->notBefore = Clock::now() + $this->options->pause;
    }

    /**
     * A call has reached its timeout. If the relay was silent, the connection ends, and the next calls do not wait for
     * it.
     */
    public function timedOut(): void
    {
        $link = $this->link;
        if ($link === null || !$link->isOwed()) {
            return;
        }
        $silence = Clock::now() - \max($link->lastRead, $link->owedSince) / 1e9;
        if ($silence >= $this->options->handshake) {
            $this->pause();
            $this->end($link, \sprintf('the relay said nothing for %.1f s', $silence));
        }
    }

    /** Ends the connection. This is the only way in which it ends. */
    private function end(Link $link, string $why): void
    {
        if ($link->isEnded) {
            return;
        }
        $this->actions[] = [Action::Close, $link];
        $this->link = null;
        $this->timers->set('handshake', null);
        $this->publishing->link = null;
        $this->publishing->isHeld = false;
        $this->publishing->reason = "no connection to a relay: $why";
        [$unknown, $unsent] = $link->end();
        $this->counters->lostPublishes += $unknown + $unsent + $this->publishing->pump(); // afterwards nothing waits
        $this->considerClosed();
    }

    /** Closes. It waits up to `$drain` seconds for outstanding answers, and for what waits for the Welcome. */
    public function close(float $drain, Future $future): void
    {
        if ($this->closing !== null) {
            $future->complete();

            return;
        }
        $this->closing = $future;
        $this->timers->set('close', $drain);
        $this->considerClosed();
    }

    private function considerClosed(): void
    {
        if ($this->closing === null || $this->isClosed) {
            return;
        }
        $link = $this->link;
        if ($link !== null && $this->publishing->waiting > 0) {
            return;
        }
        if ($link?->welcome !== null && !$link->shutWhenWritten) {
            if ($link->unsettled > 0 && $link->has('settled')) {
                $link->settleSends();
            }
            $link->shutWhenWritten = true;
        }
        if ($link !== null && ($link->isOwed() || $link->unsent > 0 && $link->welcome !== null)) {
            return;
        }
        $this->isClosed = true;
        if ($link !== null) {
            $this->end($link, 'closed by the application');
        }
        $this->timers->clear();
        $this->closing->complete();
    }
}
