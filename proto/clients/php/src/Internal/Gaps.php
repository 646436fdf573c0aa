<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Gap;
use Hubrelay\Options;
use Hubrelay\State;
use Hubrelay\Status;

/**
 * Decides when to report that messages may have been missed: a random time after the relay receives again.
 *
 * @internal
 */
final class Gaps
{
    /** @var array<string, true> */
    private array $reasons = [];

    private bool $isReceiving = false;

    /** @var array<int, Request>|null the Subscribes whose Replies must come first; null while not receiving */
    private ?array $awaited = null;

    /** Whether the random delay is running. */
    private bool $isDelayed = false;

    private bool $partialAgain = false;

    /**
     * @param Timers              $timers it uses "gap" and "partial"
     * @param \Closure(Gap): void $tell
     */
    public function __construct(
        private readonly Options $options,
        private readonly Timers $timers,
        private readonly \Closure $tell,
    ) {
    }

    /** Messages may have been missed. */
    public function note(string $reason): void
    {
        $this->reasons[$reason] = true;
    }

    /** Drops what is not reported yet: nothing is subscribed to any more. */
    public function forget(): void
    {
        $this->reasons = [];
        $this->stopDelay();
        $this->timers->set('partial', null);
    }

    /**
     * The relay reports whether it receives.
     *
     * @param array<int, Request> $unanswered the Subscribes that have no Reply now
     */
    public function isReceiving(bool $receiving, array $unanswered): void
    {
        if ($receiving) {
            if (!$this->isReceiving) {
                $this->awaited = $unanswered;
            }
            $this->timers->set('partial', null);
        } else {
            $this->awaited = null;
            $this->stopDelay();
        }
        $this->isReceiving = $receiving;
    }

    /**
     * From now on another connection counts, whose Subscribes have no Reply yet.
     *
     * @param array<int, Request> $unanswered
     */
    public function awaits(array $unanswered): void
    {
        if ($this->awaited !== null) {
            $this->awaited = $unanswered;
            if ($unanswered !== []) {
                $this->stopDelay();
            }
        }
    }

    /**
     * A Subscribe has its Reply.
     *
     * @param list<Request> $instead requests that ask again for the names that were refused with it
     */
    public function answered(Request $request, array $instead): void
    {
        if ($this->awaited !== null && isset($this->awaited[\spl_object_id($request)])) {
            unset($this->awaited[\spl_object_id($request)]);
            foreach ($instead as $again) {
                $this->awaited[\spl_object_id($again)] = $again;
            }
        }
    }

    /** Starts the random delay if it is time for it. */
    public function consider(): void
    {
        if ($this->reasons !== [] && $this->awaited === [] && !$this->isDelayed) {
            $this->isDelayed = true;
            $this->timers->set('gap', Clock::random($this->options->gapJitter));
        }
    }

    /** The timer "gap" is due. */
    public function delayIsOver(): void
    {
        $this->isDelayed = false;
        $reasons = $this->takenReasons();
        $this->reasons = [];
        if ($reasons !== []) {
            ($this->tell)(new Gap($reasons));
        }
    }

    /** `gaps` has grown. */
    public function grown(Status $status): void
    {
        $this->note($status->reason !== '' ? $status->reason : 'the relay was not receiving');
        if ($status->state !== State::DEGRADED || $status->receiving) {
            return;
        }
        if ($this->timers->dueAt('partial') !== null) {
            $this->partialAgain = true;
        } else {
            $this->timers->set('partial', $this->options->partialGap);
        }
    }

    /** The timer "partial" is due. */
    public function partialIsDue(Status $status): void
    {
        $again = $this->partialAgain;
        $this->partialAgain = false;
        if ($status->state !== State::DEGRADED || $status->receiving || $this->reasons === []) {
            return;
        }
        ($this->tell)(new Gap($this->takenReasons(), true));
        if ($again) {
            $this->timers->set('partial', $this->options->partialGap);
        }
    }

    /**
     * @return list<string>
     */
    private function takenReasons(): array
    {
        return \array_map('strval', \array_keys($this->reasons));
    }

    private function stopDelay(): void
    {
        if ($this->isDelayed) {
            $this->isDelayed = false;
            $this->timers->set('gap', null);
        }
    }
}
