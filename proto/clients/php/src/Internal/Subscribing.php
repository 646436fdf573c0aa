<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Exception\ClosedException;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InvalidException;
use Hubrelay\Future;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Outcome;

/**
 * The application's requests for names: plain requests, and listeners. One Subscribe serves all listeners of a name.
 *
 * @internal
 */
final class Subscribing
{
    private const SUBSCRIBED_LATE = 'subscribed while not receiving';

    /** @var list<array{Future, \Closure(): void}> requests made before the first attempt to connect has ended */
    private array $early = [];

    private readonly Telling $telling;

    private readonly Names $names;

    public readonly Restoring $restoring;

    public function __construct(private readonly Connections $connections)
    {
        $this->telling = $connections->telling;
        $this->names = $connections->telling->names;
        $this->restoring = new Restoring($connections, $this);
    }

    // Requests of the application

    /**
     * The future gets Outcome::OK or PENDING, or an error.
     *
     * @param list<string> $channels
     * @param list<string> $patterns
     * @throws InvalidException
     */
    public function subscribe(array $channels, array $patterns, Future $future): void
    {
        if ($this->isEarly($channels, $patterns, $future, fn () => $this->subscribe($channels, $patterns, $future))) {
            return;
        }
        [$names, $link] = $this->checked($channels, $patterns);
        $ask = new Ask($future);
        foreach ($names as $name) {
            $name->wantsPlain = true;
        }
        if ($link === null) {
            foreach ($names as $name) {
                $this->setPlain($name, true);
            }
            $ask->isPending = true;
            $this->conclude($ask);

            return;
        }
        foreach (Names::inFrames($names, $link->maxFrame) as $portion) {
            $this->askPlain($link, $ask, $portion);
        }
        $this->restoring->alsoOnNext($names);
    }

    /**
     * The future gets Outcome::OK, or an error. Subscriptions that listen to the names are not affected.
     *
     * @param list<string> $channels
     * @param list<string> $patterns
     * @throws InvalidException
     */
    public function unsubscribe(array $channels, array $patterns, Future $future): void
    {
        if ($this->isEarly($channels, $patterns, $future, fn () => $this->unsubscribe($channels, $patterns, $future))) {
            return;
        }
        [$names, $link] = $this->checked($channels, $patterns);
        $ask = new Ask($future);
        $kept = [];
        $ended = [];
        foreach ($names as $name) {
            $name->wantsPlain = false;
            if ($link === null || $name->listeners !== []) {
                $kept[] = $name;
            } else {
                $ended[] = $name;
            }
        }
        $this->endPlain($kept);
        if ($ended === [] || $link === null) {
            $this->conclude($ask);

            return;
        }
        foreach (Names::inFrames($ended, $link->maxFrame) as $portion) {
            $this->askPlainEnd($link, $ask, $portion);
        }
        $this->restoring->dropOnNext($ended);
    }

    /**
     * The future gets Outcome::OK or PENDING, or an error, which ends the listener.
     *
     * @param list<string> $channels
     * @param list<string> $patterns
     * @throws HubrelayException InvalidException, ClosedException
     */
    public function listen(Listener $listener, array $channels, array $patterns, Future $future): void
    {
        $again = fn () => $this->listen($listener, $channels, $patterns, $future);
        if ($this->isEarly($channels, $patterns, $future, $again)) {
            return;
        }
        if ($listener->isClosed) {
            throw new ClosedException('the subscription is closed');
        }
        [$names, $link] = $this->checked($channels, $patterns);
        $listener->names = $names;
        $listener->isCounted = true;
        $this->telling->listeners++;
        $ask = new Ask($future, $listener);
        $ask->parts = 1; // until all requests are made
        $toAsk = [];
        foreach ($names as $name) {
            $name->listeners[\spl_object_id($listener)] = $listener;
            if ($link !== null && !isset($link->asked[\spl_object_id($name)])) {
                $toAsk[] = $name;
            } elseif ($link !== null && $name->asking !== null) {
                $ask->parts++;
                $name->asking->joined[] = [$ask, $name];
            } else {
                $name->queues[\spl_object_id($listener->queue)] = $listener->queue;
            }
        }
        $ask->isPending = $link === null
            || \count($toAsk) < \count($names) && !$this->telling->status->receiving;
        if ($link !== null) {
            foreach (Names::inFrames($toAsk, $link->maxFrame) as $portion) {
                $this->askForListener($link, $ask, $portion);
            }
            $this->restoring->alsoOnNext($toAsk);
        }
        $this->partAnswered($ask, new Reply(outcome: Outcome::OK));
    }

    /** Ends a subscription. For the application it ends at once. Idempotent. */
    public function unlisten(Listener $listener): void
    {
        $listener->queue->end();
        $listener->queue->keptStream = null;
        $listener->queue->clear(); // after Revoked, the queue still has the events before that
        if (!$listener->isClosed) {
            $listener->isClosed = true;
            $this->release($listener);
        }
    }

    /** The listener has ended. */
    public function release(Listener $listener): void
    {
        if ($listener->isCounted) {
            $listener->isCounted = false;
            $this->telling->listeners--;
        }
        foreach ($listener->names as $name) {
            unset($name->listeners[\spl_object_id($listener)], $name->queues[\spl_object_id($listener->queue)]);
        }
        $this->restoring->dropUnwanted($listener->names);
        $this->names->forget($listener->names);
        $this->telling->consideredSubscriptions();
    }

    /** The first attempt to connect has ended, in success or failure: makes the requests that waited for that. */
    public function started(): void
    {
        $early = $this->early;
        $this->early = [];
        foreach ($early as [$future, $request]) {
            if ($future->isSettled()) {
                continue; // its caller has given up
            }
            try {
                $request();
            } catch (HubrelayException $error) {
                $future->fail($error);
            }
        }
    }

    /** Fails the requests that waited for the first attempt: they are not made any more. */
    public function failEarly(HubrelayException $error): void
    {
        $early = $this->early;
        $this->early = [];
        foreach ($early as [$future]) {
            $future->fail($error);
        }
    }

    /** Makes a request once the first attempt to connect has ended. */
    public function later(Future $future, \Closure $request): void
    {
        $this->early[] = [$future, $request];
    }

    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     */
    private function isEarly(array $channels, array $patterns, Future $future, \Closure $again): bool
    {
        if ($this->connections->isStarting) {
            Names::checkAll($channels, $patterns);
            $this->later($future, $again);
        }

        return $this->connections->isStarting;
    }

    /**
     * @param list<string> $channels
     * @param list<string> $patterns
     * @return array{list<Name>, ?Link}
     */
    private function checked(array $channels, array $patterns): array
    {
        $link = $this->connections->serving();
        if ($patterns !== [] && $link !== null && !$link->has('patterns')) {
            throw new InvalidException('this relay has no patterns', patterns: $patterns);
        }

        return [$this->names->checked($channels, $patterns), $link];
    }

    // What the relay answers

    /**
     * @param list<Name> $names
     */
    private function askPlain(Link $link, Ask $ask, array $names): void
    {
        $ask->parts++;
        $answer = function (Link $link, Request $request, ?Reply $reply) use ($ask, $names): void {
            $isGranted = self::isGranted($reply);
            foreach ($names as $name) {
                $isLast = --$name->openRequests === 0;
                if ($isGranted && !$name->isPlain) {
                    $ask->fresh[] = $name;
                }
                if ($isGranted) {
                    $this->setPlain($name, $name->wantsPlain || !$isLast);
                } elseif ($isLast) {
                    $name->wantsPlain = $name->isPlain;
                }
            }
            $this->answered($link, $request, $names, $reply);
            $this->partAnswered($ask, $reply);
            if (!$isGranted) {
                $this->names->forget($names);
            }
        };
        $this->restoring->writeSubscribe($link, new Request($answer, true), $names);
        foreach ($names as $name) {
            $name->openRequests++;
        }
    }

    /**
     * @param list<Name> $names
     */
    private function askPlainEnd(Link $link, Ask $ask, array $names): void
    {
        $ask->parts++;
        $answer = function (Link $link, Request $request, ?Reply $reply) use ($ask, $names): void {
            foreach ($names as $name) {
                $name->openRequests--;
            }
            if ($reply === null || $reply->outcome === Outcome::OK) {
                $this->endPlain($names);
            }
            $this->partAnswered($ask, $reply ?? new Reply(outcome: Outcome::OK));
        };
        $this->restoring->writeUnsubscribe($link, new Request($answer), $names);
        foreach ($names as $name) {
            $name->openRequests++;
        }
    }

    /**
     * @param list<Name> $names
     */
    private function askForListener(Link $link, Ask $ask, array $names): void
    {
        $ask->parts++;
        $answer = function (Link $link, Request $request, ?Reply $reply) use ($ask, $names): void {
            if (self::isGranted($reply)) {
                $this->startListening($ask, $names);
            }
            $this->answered($link, $request, $names, $reply);
            $this->partAnswered($ask, $reply);
        };
        $this->restoring->writeSubscribe($link, new Request($answer, true), $names);
    }

    /**
     * @param list<Name> $names
     */
    private function startListening(Ask $ask, array $names): void
    {
        foreach ($names as $name) {
            if ($ask->listener !== null && isset($name->listeners[\spl_object_id($ask->listener)])) {
                $name->queues[\spl_object_id($ask->listener->queue)] = $ask->listener->queue;
            }
        }
    }

    /**
     * Handles an answer to a Subscribe for all others: those that joined it, the connection, the gaps.
     *
     * @param list<Name> $names
     */
    public function answered(Link $link, Request $request, array $names, ?Reply $reply): void
    {
        $isGranted = self::isGranted($reply);
        foreach ($names as $name) {
            if ($name->asking === $request) {
                $name->asking = null;
                if (!$isGranted && !$name->isPlain && $name->queues === []) {
                    unset($link->asked[\spl_object_id($name)]);
                }
            }
        }
        $isLate = $reply === null
            ? $link === $this->connections->serving() : $reply->outcome === Outcome::PENDING;
        if ($isLate) {
            $this->telling->gaps->note(self::SUBSCRIBED_LATE);
        }
        $this->telling->gaps->answered($request, []);
        $joined = $request->joined;
        $request->joined = [];
        foreach ($joined as [$ask, $name]) {
            $isHere = $ask->listener !== null && isset($name->listeners[\spl_object_id($ask->listener)]);
            if ($isGranted) {
                $this->startListening($ask, [$name]);
                $this->partAnswered($ask, $reply);
            } elseif ($isHere) {
                $this->askForListener($link, $ask, [$name]); // its own request, since the other one has more names
                $ask->parts--;
            } else {
                $this->partAnswered($ask, $reply);
            }
        }
        $this->telling->considerGap();
        if (!$link->isEnded && $link !== $this->connections->serving()) {
            $this->connections->reconcile();
        }
    }

    /** Whether the names of a Subscribe are held after this answer; null is the end of the connection. */
    public static function isGranted(?Reply $reply): bool
    {
        return $reply === null || $reply->outcome === Outcome::OK || $reply->outcome === Outcome::PENDING;
    }

    private function partAnswered(Ask $ask, ?Reply $reply): void
    {
        $ask->parts--;
        if ($reply === null || $reply->outcome === Outcome::PENDING) {
            $ask->isPending = true;
        } elseif ($reply->outcome !== Outcome::OK) {
            $ask->failure = $reply;
        }
        if ($ask->parts === 0) {
            $this->conclude($ask);
        }
    }

    private function conclude(Ask $ask): void
    {
        $failure = $ask->failure;
        if ($failure !== null && $ask->listener !== null) {
            $this->unlisten($ask->listener);
        } elseif ($failure !== null) {
            foreach ($ask->fresh as $name) {
                $name->wantsPlain = false;
            }
            $this->endPlain($ask->fresh);
            $this->restoring->dropUnwanted($ask->fresh);
        }
        if ($ask->isPending) {
            $this->telling->gaps->note(self::SUBSCRIBED_LATE);
        }
        if ($failure !== null) {
            $ask->future->fail(HubrelayException::ofReply(
                $failure->outcome,
                $failure->detail,
                $failure->channels,
                $failure->patterns,
            ));
        } else {
            $ask->future->complete($ask->isPending ? Outcome::PENDING : Outcome::OK);
        }
    }

    public function setPlain(Name $name, bool $isPlain): void
    {
        $name->isPlain = $isPlain;
        if ($isPlain) {
            $name->queues[\spl_object_id($this->telling->events)] = $this->telling->events;
        } else {
            unset($name->queues[\spl_object_id($this->telling->events)]);
        }
    }

    /**
     * After this no message of these names is in `events`.
     *
     * @param list<Name> $names
     */
    private function endPlain(array $names): void
    {
        if ($names === []) {
            return;
        }
        foreach ($names as $name) {
            $this->setPlain($name, false);
        }
        $this->telling->events->removeMessages($names);
        $this->names->forget($names);
        $this->telling->consideredSubscriptions();
    }
}
