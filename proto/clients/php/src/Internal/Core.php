<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Counters;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Exception\NotConnectedException;
use Hubrelay\Future;
use Hubrelay\Internal\Frame\Error;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Options;
use Hubrelay\Revoked;
use Hubrelay\State;
use Hubrelay\Status;
use Psr\Log\LoggerInterface;

/**
 * The Machine of a Client: handles what comes in, and what is due.
 *
 * @internal
 */
final class Core extends Machine
{
    public readonly Telling $telling;

    public readonly Connections $connections;

    public readonly Publishing $publishing;

    public readonly Subscribing $subscribing;

    /**
     * @throws InvalidException for a name of more than 64 bytes, or that is not UTF-8
     */
    public function __construct(
        private readonly string $name,
        private readonly Options $options,
        Counters $counters,
        ?LoggerInterface $logger = null,
    ) {
        Names::checkClientName($name);
        parent::__construct(new Timers());
        $this->telling = new Telling($options, $counters, $this->timers, $logger);
        $this->connections = new Connections($this, $this->telling, $this->takeFrame(...));
        $this->publishing = $this->connections->publishing;
        $this->subscribing = $this->connections->subscribing;
    }

    // What the owner of the sockets calls

    /** Connects for the first time. Requests wait for the outcome of that, for up to `firstUse` seconds. */
    public function start(): void
    {
        $this->connections->isStarting = $this->publishing->isHeld = true;
        $this->timers->set('first', $this->options->firstUse);
        $this->connections->attempt();
    }

    public function opened(Link $link): void
    {
        $link->hello($this->name);
    }

    public function failed(Link $link, string $why): void
    {
        $this->connections->end($link, $why);
    }

    public function received(Link $link, string $data): void
    {
        if ($link->isEnded) {
            return;
        }
        $link->mayExceed = $this->telling->listeners === 0 && !$link->isOwed();
        try {
            $link->feed($data);
        } catch (ProtocolException $error) {
            $this->connections->end($link, 'the relay broke the protocol: ' . $error->getMessage());
        }
        $this->afterInput();
    }

    public function ended(Link $link, string $why, bool $hasFailed = false): void
    {
        if (!$link->isEnded) {
            $link->isAtItsEnd = !$hasFailed;
            $this->connections->end($link, $why);
            $this->afterInput();
        }
    }

    public function wrote(): void
    {
        if ($this->publishing->waiting > 0 || $this->connections->isClosing) {
            $this->afterInput();
        }
    }

    private function afterInput(): void
    {
        if ($this->publishing->waiting > 0) {
            $this->connections->pump();
        }
        if ($this->connections->isClosing) {
            $this->connections->considerClosed();
        }
        if ($this->telling->events->bytes > 0 || $this->connections->isUnread) {
            $this->connections->considerReading();
        }
    }

    public function giveUpCandidate(float $now): ?Link
    {
        $link = $this->connections->link;
        if ($link === null || $link->pingAt === null || ($this->timers->dueAt('watch') ?? $now + 1) > $now) {
            return null;
        }

        return $now >= $link->pingAt + $this->options->pingTimeout ? $link : null;
    }

    public function tick(float $now): void
    {
        foreach ($this->timers->takeDue($now) as $name => $due) {
            match ($name) {
                'first' => $this->firstUseIsOver(),
                'attempt' => $this->connections->attempt(),
                'handshake' => $this->handshakeIsOver(),
                'successor' => $this->connections->leaveWithoutSuccessor(),
                'fence' => $this->connections->move?->giveUp('moved to another relay'),
                'publishes' => $this->connections->releasePublishes(),
                'drain' => $this->drainIsOver(),
                'gap' => $this->telling->gaps->delayIsOver(),
                'partial' => $this->telling->gaps->partialIsDue($this->telling->status),
                'settle' => $this->settle(),
                'watch' => $this->watch($now, $due),
                'close' => $this->closeIsOver(),
            };
        }
        $this->afterInput();
    }

    public function abandoned(HubrelayException $error): void
    {
        $this->publishing->failWaiting($error);
        $this->subscribing->failEarly($error);
        $this->connections->failReady($error);
        foreach ($this->telling->names->all() as $name) {
            foreach ($name->listeners as $listener) {
                $listener->isClosed = true;
                $listener->queue->end();
                $listener->queue->clear();
            }
        }
        $this->telling->events->end();
        $this->telling->events->clear();
        $this->connections->isClosing = $this->isClosed = true;
    }

    // Requests

    /** Settles the future with the Welcome of the current connection, or of the next one. */
    public function ready(Future $future): void
    {
        if ($this->connections->link !== null) {
            $future->complete();
        } else {
            $isOpen = static fn (Future $future): bool => !$future->isSettled();
            $this->connections->readyFutures = [...\array_filter($this->connections->readyFutures, $isOpen), $future];
        }
    }

    /** The reason why there is no connection, for people. */
    public function whyNotReady(): string
    {
        return $this->connections->why !== '' ? $this->connections->why : 'the relay has not answered yet';
    }

    /**
     * Settles the future once the relay has answered.
     *
     * @throws NotConnectedException
     * @throws InvalidException if the relay lacks `settled`
     */
    public function ping(Future $future, bool $settled): void
    {
        if ($this->connections->isStarting) {
            $this->subscribing->later($future, fn () => $this->ping($future, $settled));

            return;
        }
        $link = $this->connections->serving() ?? throw new NotConnectedException($this->publishing->reason);
        if (!$settled) {
            $link->ping(new Request(static function (Link $link, Request $request, ?Frame\Reply $reply) use ($future) {
                Link::settlePing($future, $request, $reply);
            }));
        } elseif ($link->has('settled')) {
            $link->settleSends($future);
        } else {
            throw new InvalidException('this relay cannot say what is settled');
        }
    }

    /** Closes the client. It waits for outstanding Replies, for up to `$drain` seconds. */
    public function close(?float $drain, Future $future): void
    {
        if ($this->isClosed) {
            $future->complete();

            return;
        }
        $this->connections->closeFutures[] = $future;
        if (!$this->connections->isClosing) {
            $this->connections->close($drain ?? $this->options->drain);
            $this->afterInput();
        }
    }

    // Frames

    private function takeFrame(Link $link, object $frame): void
    {
        if ($link === $this->connections->opening) {
            $this->connections->takeFirstFrame($link, $frame);
        } elseif ($frame instanceof Message) {
            $this->takeMessage($link, $frame);
        } elseif ($frame instanceof Status) {
            $this->takeStatus($link, $frame);
        } elseif ($frame instanceof Loss) {
            $this->takeLoss($link, $frame);
        } elseif ($frame instanceof Revoked) {
            $this->takeRevoked($link, $frame);
        } elseif ($frame instanceof Error) {
            $code = Schema::nameOf(Code::class, $frame->code);
            $this->connections->end($link, \rtrim("the relay ended the connection: $code $frame->detail"));
        }
    }

    /** Takes a Message that is not usual: it has a pattern, or nobody holds its channel. */
    private function takeMessage(Link $link, Message $message): void
    {
        $move = $this->connections->move;
        if ($move !== null && $message->channel === $move->fence && $message->pattern === '') {
            $move->fenceCame($link);

            return;
        }
        $names = $this->telling->names;
        $name = $message->pattern !== ''
            ? $names->patterns[$message->pattern] ?? null : $names->channels[$message->channel] ?? null;
        if ($name !== null && $link->takeMessage !== null) {
            ($link->takeMessage)($name, $message);
        } elseif ($name !== null) {
            foreach ($name->queues as $queue) {
                $queue->putMessage($message, $link->mayExceed);
            }
        }
    }

    private function takeLoss(Link $link, Loss $loss): void
    {
        $counters = $this->telling->counters;
        $publishes = Count::sum($loss->publishes, $loss->publishesUnknown);
        $link->lostOfUnsettled = Count::sum($link->lostOfUnsettled, $publishes);
        $counters->lostPublishes = Count::sum($counters->lostPublishes, $publishes);
        if ($link === $this->connections->serving() && $loss->messages > 0) {
            $this->telling->tellLostMessages($loss);

            return;
        }
        if ($link === $this->connections->nextServing() && $loss->messages > 0) {
            $this->connections->move?->lossCame(new Loss(0, $loss->messages, $loss->reason, 0, $loss->cause));
        }
        if ($publishes > 0) {
            $this->telling->tell(
                new Loss($loss->publishes, 0, $loss->reason, $loss->publishesUnknown, $loss->cause),
            );
        }
    }

    private function takeRevoked(Link $link, Revoked $revoked): void
    {
        $names = $this->telling->names->find($revoked->channels, $revoked->patterns);
        if ($link === $this->connections->serving()) {
            $this->subscribing->restoring->revoke($names, $revoked->detail);
            $this->connections->reconcile();
        } elseif ($link === $this->connections->nextServing()) {
            // The end of the move asks for them again; the answer to that decides whether they are refused.
            foreach ($names as $name) {
                unset($link->asked[\spl_object_id($name)]);
            }
            $this->telling->gaps->note(
                $revoked->detail !== '' ? $revoked->detail : 'the next relay revoked a subscription',
            );
        }
    }

    private function takeStatus(Link $link, Status $status): void
    {
        $connections = $this->connections;
        $link->status = $status;
        if ($link !== $connections->link) {
            if ($link === $connections->move?->old && $status->gaps > $connections->oldGapsSeen) {
                $connections->oldGapsSeen = $status->gaps;
                $this->telling->gaps->note($status->reason !== '' ? $status->reason : 'the relay was not receiving');
            }

            return;
        }
        if ($status->state === State::STOPPING && $connections->move !== null) {
            $connections->end($link, 'the next relay is stopping, too');

            return;
        }
        if ($status->gaps > $connections->gapsSeen && $this->telling->names->holdsAny()) {
            $this->telling->gaps->grown($status);
        }
        $connections->gapsSeen = $status->gaps;
        $connections->newStatus($link, $status);
        if ($status->state === State::STOPPING && !$link->isStopping) {
            $connections->relayIsStopping($link);
        } else {
            $connections->move?->consider();
        }
    }

    // Timers

    private function firstUseIsOver(): void
    {
        if ($this->connections->link === null) {
            $this->connections->releasePublishes();
        }
    }

    private function handshakeIsOver(): void
    {
        if ($this->connections->opening !== null) {
            $this->connections->end(
                $this->connections->opening,
                "the relay said nothing for {$this->options->handshake} s",
            );
        }
    }

    private function drainIsOver(): void
    {
        if ($this->connections->old !== null && $this->connections->move === null) {
            $this->connections->end($this->connections->old, 'the relay that stops did not answer in time');
        }
    }

    private function settle(): void
    {
        $isAgain = false;
        foreach ($this->connections->links() as $link) {
            if ($link->unsettled === 0 || $link->shutWhenWritten) {
                continue;
            }
            $isAgain = true;
            if ($link->settling === 0 && $link->has('settled')) {
                $link->settleSends();
            }
        }
        if ($isAgain) {
            $this->timers->set('settle', $this->options->settle);
        }
    }

    private function watch(float $now, float $due): void
    {
        $link = $this->connections->link;
        if ($link === null) {
            return;
        }
        if (!$link->isReading || $link->isShut) {
            $this->actions[] = [Action::Check, $link];
            $this->timers->set('watch', Connections::UNREAD_PERIOD);

            return;
        }
        if ($now - $due > 1) { // this process was stopped: that time does not count as silence
            $link->lastRead = $link->owedSince = (int) ($now * 1e9);
            $link->pingAt = $link->pingAt !== null ? $now : null;
        }
        $watch = $this->connections->watch;
        $step = $watch->due($link);
        if ($now >= $step && $link->pingAt !== null) {
            $this->connections->end($link, "the relay did not answer a Ping for {$this->options->pingTimeout} s");

            return;
        }
        if ($now >= $step) {
            $link->ping(Request::ignored());
            $link->pingAt = $now;
            $step = $watch->due($link);
        }
        $this->timers->set('watch', \max(0.0, \min($step, $now + $watch->period()) - Clock::now()));
    }

    private function closeIsOver(): void
    {
        foreach ($this->connections->links() as $link) {
            $this->connections->end($link, 'closed by the application');
        }
        $this->connections->closed();
    }
}
