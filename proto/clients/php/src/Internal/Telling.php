<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Cause;
use Hubrelay\Counters;
use Hubrelay\Event;
use Hubrelay\Gap;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Options;
use Hubrelay\Status;
use Psr\Log\LoggerInterface;

/**
 * Reports to the application: events, subscriptions, status, gaps and losses.
 *
 * @internal
 */
final class Telling
{
    public readonly Names $names;

    public readonly EventQueue $events;

    private readonly Budget $queued;

    public readonly Gaps $gaps;

    /** The last Status that was reported. */
    public Status $status;

    /** A Status UP that is held back until all that is held is in force. */
    public ?Status $statusToTell = null;

    /** Whether any Status was reported. */
    public bool $wasTold = false;

    /** The number of subscriptions that are not closed. */
    public int $listeners = 0;

    public function __construct(
        public readonly Options $options,
        public readonly Counters $counters,
        public readonly Timers $timers,
        private readonly ?LoggerInterface $logger,
    ) {
        $this->names = new Names();
        $this->queued = new Budget($options->queuedBytes, $counters);
        $this->events = $this->newQueue();
        $this->gaps = new Gaps($options, $this->timers, $this->tellGap(...));
        $this->status = Status::noRelay('not connected yet');
    }

    /** Makes a queue for a subscription. */
    public function newQueue(): EventQueue
    {
        return new EventQueue($this->options->eventsBytes, $this->queued);
    }

    /** Gives a message to all queues of its name. */
    public function deliver(Name $name, Message $message): void
    {
        foreach ($name->queues as $queue) {
            $queue->putMessage($message);
        }
    }

    /** Adds an event that is not a message to `events`. */
    public function tell(Event $event): void
    {
        $this->events->put($event);
    }

    public function tellStatus(Status $status): void
    {
        $this->status = $status;
        $this->statusToTell = null;
        $this->wasTold = true;
        $this->tell($status);
    }

    /** Reports a Loss of messages in its place, and the Gap after it. */
    public function tellLostMessages(Loss $loss): void
    {
        $this->counters->lostMessages = Count::sum($this->counters->lostMessages, $loss->messages);
        $this->tell($loss);
        foreach ($this->listeningQueues() as $queue) {
            $queue->put($loss);
        }
        $this->tellGap(new Gap([$loss->reason !== '' ? $loss->reason : 'messages were dropped']));
    }

    /** Reports a Loss that the client itself has counted. */
    public function tellOwnLoss(int $unsent, int $unknown): void
    {
        if ($unsent + $unknown > 0) {
            $this->counters->lostPublishes = Count::sum($this->counters->lostPublishes, $unsent + $unknown);
            $this->tell(new Loss(
                publishes: $unsent,
                reason: 'the connection to the relay ended',
                publishesUnknown: $unknown,
                cause: Cause::NO_RELAY,
                local: true,
            ));
        }
    }

    /** Some subscriptions have ended. */
    public function consideredSubscriptions(): void
    {
        if (!$this->names->holdsAny()) {
            $this->gaps->forget();
        }
    }

    /** Starts the delay of a Gap if it is time for it. */
    public function considerGap(): void
    {
        if ($this->names->holdsAny()) {
            $this->gaps->consider();
        }
    }

    /**
     * @return array<int, EventQueue> the queues of Subscriptions, by spl_object_id
     */
    public function listeningQueues(): array
    {
        $queues = [];
        foreach ($this->names->all() as $name) {
            $queues += $name->queues;
        }
        unset($queues[\spl_object_id($this->events)]);

        return $queues;
    }

    public function info(string $text): void
    {
        $this->log(static fn (LoggerInterface $logger) => $logger->info($text));
    }

    public function warn(string $text): void
    {
        $this->log(static fn (LoggerInterface $logger) => $logger->warning($text));
    }

    /**
     * If the logger throws, its line is lost, but the connection is not.
     *
     * @param \Closure(LoggerInterface): void $log
     */
    private function log(\Closure $log): void
    {
        if ($this->logger === null) {
            return;
        }
        try {
            $log($this->logger);
        } catch (\Throwable) {
        }
    }

    private function tellGap(Gap $gap): void
    {
        if (!$this->names->holdsAny()) {
            return;
        }
        $this->counters->gaps++;
        $this->tell($gap);
        foreach ($this->listeningQueues() as $queue) {
            $queue->put($gap);
        }
    }
}
