<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\ClosedException;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Future;
use Hubrelay\Internal\Frame\Error;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\State;
use Hubrelay\Status;

/**
 * The connections of a client: attempts, Welcome, STOPPING, leaving, and the only way in which one ends.
 *
 * @internal
 */
final class Connections
{
    /** Seconds between two checks whether the relay has closed a connection that is left unread. */
    public const UNREAD_PERIOD = 1.0;

    /** The connection with the newest Welcome. */
    public ?Link $link = null;

    /** The connection that has no Welcome yet. */
    public ?Link $opening = null;

    /** The connection whose relay is STOPPING. It serves during a move, and is read to its end afterwards. */
    public ?Link $old = null;

    public ?Move $move = null;

    /** The socket is left unread, so that the relay counts what is dropped. */
    public bool $isUnread = false;

    /** The first attempt to connect has not ended. */
    public bool $isStarting = false;

    public bool $isClosing = false;

    /** @var list<string> the features of the relay that the client was last connected to */
    public array $features = [];

    /** The reason why the last attempt failed or the connection ended; for people. */
    public string $why = '';

    public int $gapsSeen = 0;

    /** The same for the former connection, during a move. */
    public int $oldGapsSeen = 0;

    /** @var list<Future> */
    public array $readyFutures = [];

    /** @var list<Future> */
    public array $closeFutures = [];

    public readonly Publishing $publishing;

    public readonly Subscribing $subscribing;

    public readonly Watch $watch;

    private readonly Timers $timers;

    private readonly Backoff $backoff;

    private bool $wasConnected = false;

    /**
     * @param Machine                      $machine   to which it adds actions, and which it closes
     * @param \Closure(Link, object): void $takeFrame gets each frame of a connection except Replies and usual Messages
     */
    public function __construct(
        private readonly Machine $machine,
        public readonly Telling $telling,
        private readonly \Closure $takeFrame,
    ) {
        $options = $telling->options;
        $this->timers = $telling->timers;
        $this->publishing = new Publishing(
            $options->unsentBytes,
            $options->unanswered,
            $telling->counters,
            $this->sentFirst(...),
        );
        $this->subscribing = new Subscribing($this);
        $this->backoff = new Backoff($options);
        $this->watch = new Watch($options);
    }

    /** The connection whose answers count. */
    public function serving(): ?Link
    {
        return $this->move !== null ? $this->move->old : $this->link;
    }

    /** The connection that serves after the current move, or null. */
    public function nextServing(): ?Link
    {
        return $this->move?->new;
    }

    /**
     * @return list<Link> the connections that have their Welcome
     */
    public function links(): array
    {
        $links = [];
        if ($this->link !== null) {
            $links[] = $this->link;
        }
        if ($this->old !== null) {
            $links[] = $this->old;
        }

        return $links;
    }

    // Attempts

    public function attempt(): void
    {
        $this->timers->set('attempt', null);
        if ($this->opening === null && !$this->isClosing) {
            $this->opening = new Link($this->telling->names, $this->takeFrame);
            $this->machine->actions[] = [Action::Open, $this->opening];
            $this->timers->set('handshake', $this->telling->options->handshake);
        }
    }

    public function takeFirstFrame(Link $link, object $frame): void
    {
        if ($frame instanceof Welcome) {
            $this->welcomed($link, $frame);
        } elseif ($frame instanceof Error) {
            $isHopeless = $frame->code === Code::VERSION || $frame->code === Code::NOT_ALLOWED;
            $why = Schema::nameOf(Code::class, $frame->code) . ": $frame->detail";
            $this->end($link, \rtrim($why, ': '), $isHopeless);
        } else {
            $this->end($link, "the relay's first frame is not Welcome");
        }
    }

    private function welcomed(Link $link, Welcome $welcome): void
    {
        $former = $this->link ?? $this->old;
        $status = $welcome->status ?? new Status();
        if ($status->state === State::STOPPING || $former?->welcome?->relayId === $welcome->relayId) {
            $this->end($link, 'the relay is stopping');

            return;
        }
        if ($welcome->version !== 1) {
            $this->end($link, "the relay speaks version $welcome->version, which this client does not");

            return;
        }
        $link->welcomed($welcome);
        $this->opening = null;
        $this->why = '';
        $this->features = $welcome->features;
        foreach (['handshake', 'successor', 'first'] as $timer) {
            $this->timers->set($timer, null);
        }
        $this->timers->set('watch', $this->watch->period());
        $this->telling->counters->reconnects += (int) $this->wasConnected;
        $this->wasConnected = true;
        $this->telling->info("connected to relay $welcome->relayId, version $welcome->relayVersion");
        $this->oldGapsSeen = $this->gapsSeen;
        $this->gapsSeen = $status->gaps;
        $this->serveBy($link, $status);
        foreach ($this->readyFutures as $future) {
            $future->complete();
        }
        $this->readyFutures = [];
    }

    /**
     * Asks a new connection for the wanted names. It then serves, or takes over from the one whose relay is STOPPING.
     */
    private function serveBy(Link $link, Status $status): void
    {
        $old = $this->link;
        $this->link = $link;
        $link->status = $status;
        if ($old !== null) {
            if ($this->old !== null) {
                $this->end($this->old, 'another relay is stopping');
            }
            $this->old = $old;
            $this->move = new Move($this, $old, $link);
            $this->readOn($old);
        }
        $this->subscribing->restoring->restore($link, $this->telling->names->all());
        if ($this->telling->names->holdsAny()) {
            $this->move?->begin();
        }
        $this->newStatus($link, $status);
        if ($this->move === null) {
            $this->follow($link);
        } elseif (!$this->telling->names->holdsAny()) {
            $this->move->giveUp(''); // there are no messages to move, and nothing is reported
        } else {
            $this->move->consider();
        }
    }

    private function attemptFailed(string $why, bool $isHopeless): void
    {
        $isNews = $this->why !== $why;
        $this->why = $why;
        if ($isNews) {
            $this->telling->warn("cannot connect to a relay: $why");
        }
        if ($this->link === null) {
            $this->publishing->reason = "no connection to a relay: $why";
            if (!$this->isClosing && ($isHopeless && $isNews || !$this->telling->wasTold)) {
                $this->telling->tellStatus(Status::noRelay($why));
            } else {
                $this->telling->status = Status::noRelay($why);
            }
            $this->timers->set('first', null);
            $this->releasePublishes();
        }
        if (!$this->isClosing) {
            $this->timers->set('attempt', $this->backoff->next($isHopeless));
        }
    }

    // Moving and leaving

    /** The move has ended. `$reason` says why messages may have been missed; null: none were. */
    public function moved(Move $move, ?string $reason): void
    {
        $this->move = null;
        if ($reason !== null && $this->telling->names->holdsAny()) {
            $this->telling->gaps->note($reason);
        }
        if (!$move->old->isEnded) {
            $this->leave($move->old);
        }
        $this->follow($move->new);
        $this->reconcile();
        $this->telling->gaps->awaits($move->new->unansweredSubscribes());
        $this->telling->considerGap();
    }

    /** From now on publishes go to this connection, once the former one has answered everything. */
    private function follow(Link $link): void
    {
        $this->publishing->link = $link;
        $this->publishing->isHeld = $this->old !== null;
        if ($this->old !== null) {
            $this->timers->set('publishes', $this->telling->options->successor);
        }
        $this->started();
        $this->pump();
    }

    public function relayIsStopping(Link $link): void
    {
        $link->isStopping = true;
        $this->backoff->ended(Clock::now() - $link->welcomedAt);
        if (!$this->isClosing) {
            $this->timers->set('successor', $this->telling->options->successor);
            $this->attempt();
        }
    }

    /** No successor has sent its Welcome in time: continues as without a relay. */
    public function leaveWithoutSuccessor(): void
    {
        $link = $this->link;
        if ($link !== null && $link->isStopping && $this->move === null) {
            $this->link = null;
            $this->leave($link);
            $this->timers->set('watch', null);
            $this->withoutRelay('the relay stops, and there is no other one yet');
        }
    }

    /** Stops writing to a connection, and reads it to its end. */
    private function leave(Link $link): void
    {
        if ($this->old !== null && $this->old !== $link) {
            $this->end($this->old, 'another relay is stopping');
        }
        $this->old = $link;
        $link->takeMessage = Move::discard(...);
        $this->settleAndShut($link);
        $this->timers->set('drain', $this->telling->options->drain);
    }

    public function settleAndShut(Link $link): void
    {
        if ($link->unsettled > 0 && $link->has('settled') && !$link->shutWhenWritten) {
            $link->settleSends();
        }
        $link->shutWhenWritten = true;
        $this->readOn($link);
    }

    private function readOn(Link $link): void
    {
        if (!$link->isReading) {
            $link->isReading = true;
            $this->isUnread = false;
            $this->machine->actions[] = [Action::Reading, $link];
        }
    }

    // The end of a connection

    /** Ends a connection. This is the only way in which one ends. Idempotent. */
    public function end(Link $link, string $why, bool $isHopeless = false): void
    {
        if ($link->isEnded) {
            return;
        }
        $this->machine->actions[] = [Action::Close, $link];
        if ($link === $this->opening) {
            $link->isEnded = true;
            $this->opening = null;
            $this->timers->set('handshake', null);
            $this->attemptFailed($why, $isHopeless);

            return;
        }
        $isSettled = $link->isShut && $link->isAtItsEnd && !$link->isOwed(); // all outstanding answers have come
        [$unknown, $unsent] = $link->end();
        if ($link === $this->link && $this->move === null) {
            $unsent += $this->failWaiting($why);
        }
        $this->telling->tellOwnLoss($unsent, $isSettled ? 0 : $unknown);
        $this->isUnread = $this->isUnread && $link->isReading;
        if ($link === $this->link && $this->move !== null) {
            $this->nextEnded($this->move, $why);
        } elseif ($link === $this->link) {
            $this->linkEnded($link, $why);
        } elseif ($link === $this->old) {
            $this->oldEnded();
        }
    }

    private function oldEnded(): void
    {
        $this->old = null;
        $this->timers->set('drain', null);
        $this->move?->giveUp('moved to another relay');
        $this->releasePublishes();
        if (!$this->isClosing) {
            $this->reconcile(); // asks the other connection for what the old one had not answered
            $this->telling->considerGap();
        }
    }

    /** The publishes that wait have no connection any more. Returns how many sends are lost because of that. */
    private function failWaiting(string $why): int
    {
        $this->publishing->link = null;
        $this->publishing->reason = "no connection to a relay: $why";
        $this->publishing->isHeld = false;

        return $this->publishing->pump();
    }

    /**
     * The next connection of a move has ended: the former one continues, its Status counts again, and a new attempt
     * follows.
     */
    private function nextEnded(Move $move, string $why): void
    {
        $move->abandon();
        $this->move = null;
        $this->link = $move->old;
        $this->old = null;
        $this->gapsSeen = $this->oldGapsSeen;
        $this->attemptFailed($why, false);
        $this->timers->set('successor', $this->telling->options->successor);
        $this->telling->statusToTell = null;
        $status = $move->old->status ?? new Status();
        $this->telling->gaps->isReceiving($status->receiving, $move->old->unansweredSubscribes());
        if ($this->telling->status !== $status) {
            $this->telling->tellStatus($status);
        }
        $this->telling->considerGap();
    }

    private function linkEnded(Link $link, string $why): void
    {
        $this->link = null;
        $this->timers->set('watch', null);
        $this->timers->set('successor', null);
        $this->backoff->ended(Clock::now() - $link->welcomedAt);
        $this->withoutRelay($why);
        if (!$this->isClosing && $this->opening === null) {
            $this->attemptFailed($why, false);
        }
    }

    private function withoutRelay(string $why): void
    {
        $lost = $this->failWaiting($why);
        $this->telling->statusToTell = null;
        $this->telling->gaps->isReceiving(false, []);
        if ($this->telling->names->holdsAny()) {
            $this->telling->gaps->note('the connection to the relay was lost');
        }
        $this->why = $why;
        if ($this->isClosing) {
            $this->telling->status = Status::noRelay($why); // the application knows
        } else {
            $this->telling->warn("not connected to a relay: $why");
            $this->telling->tellStatus(Status::noRelay($why));
        }
        $this->telling->tellOwnLoss($lost, 0);
        $this->releasePublishes();
    }

    public function releasePublishes(): void
    {
        $this->timers->set('publishes', null);
        $this->publishing->isHeld = false;
        $this->started();
        $this->pump();
    }

    public function started(): void
    {
        if ($this->isStarting) {
            $this->isStarting = false;
            $this->subscribing->started();
        }
    }

    /** Writes waiting publishes, as far as there is room. */
    public function pump(): void
    {
        $this->telling->tellOwnLoss($this->publishing->pump(), 0);
    }

    // What the other parts call

    /** Makes the serving connection hold exactly what is wanted. */
    public function reconcile(): void
    {
        if ($this->link !== null && $this->move === null) {
            $this->subscribing->restoring->reconcile($this->link);
        }
    }

    /** A restore, or a part of it, has been answered. */
    public function restored(Link $link): void
    {
        if ($link->isEnded || $link->restoring !== [] || $link !== $this->link) {
            return;
        }
        if ($this->telling->statusToTell !== null) {
            $this->telling->tellStatus($this->telling->statusToTell);
        }
        $this->move?->consider();
    }

    /** The connection that counts has a new status. UP is reported only once all that is held is in force. */
    public function newStatus(Link $link, Status $status): void
    {
        $this->telling->gaps->isReceiving($status->receiving, $link->unansweredSubscribes());
        if ($status->state === State::UP && $link->restoring !== []) {
            $this->telling->statusToTell = $status;
        } else {
            $this->telling->tellStatus($status);
        }
        $this->telling->considerGap();
    }

    private function sentFirst(Link $link): void
    {
        if ($link->has('settled')) {
            $this->timers->set('settle', $this->telling->options->settle);
        }
    }

    /** Leaves the socket unread if nobody would take the messages, so that the relay counts what is dropped. */
    public function considerReading(): void
    {
        $link = $this->link;
        if ($link === null) {
            return;
        }
        $isReading = $this->telling->listeners > 0 || $link->isOwed() || !$this->telling->events->isFull()
            || $this->move !== null || $this->isClosing;
        if ($isReading !== $link->isReading) {
            $link->isReading = $isReading;
            $this->isUnread = !$isReading;
            $this->timers->set('watch', $isReading ? $this->watch->period() : self::UNREAD_PERIOD);
            if ($isReading) {
                $link->lastRead = \hrtime(true); // the time without reading does not count as silence
            }
            $this->machine->actions[] = [Action::Reading, $link];
        }
    }

    // The end of the client

    /** Closes the client. It waits for outstanding Replies, for up to `$drain` seconds. */
    public function close(float $drain): void
    {
        $this->isClosing = true;
        $this->timers->set('close', $drain);
        $lost = $this->publishing->failWaiting(new ClosedException('the client was closed before this was sent'));
        $this->telling->tellOwnLoss($lost, 0);
        $this->started();
        $this->move?->giveUp('closed');
        if ($this->opening !== null) {
            $this->end($this->opening, 'closed by the application');
        }
        foreach ($this->links() as $link) {
            $link->takeMessage = Move::discard(...);
            $this->settleAndShut($link);
        }
    }

    public function considerClosed(): void
    {
        foreach ($this->links() as $link) {
            if (!$link->isOwed() && $link->unsent === 0 && ($link->unsettled === 0 || $link->has('settled'))) {
                $this->end($link, 'closed by the application');
            }
        }
        if ($this->link === null && $this->old === null) {
            $this->closed();
        }
    }

    public function closed(): void
    {
        if ($this->machine->isClosed) {
            return;
        }
        $this->machine->isClosed = true;
        $this->timers->clear();
        foreach ($this->telling->listeningQueues() as $queue) {
            $queue->end();
        }
        $this->telling->events->end();
        $this->failReady(new ClosedException('the client is closed'));
    }

    /**
     * Fails the futures that wait for a connection, and completes those that wait for the client's end, which has come.
     */
    public function failReady(HubrelayException $error): void
    {
        foreach ($this->readyFutures as $future) {
            $future->fail($error);
        }
        foreach ($this->closeFutures as $future) {
            $future->complete();
        }
        $this->readyFutures = $this->closeFutures = [];
    }
}
