<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Outcome;
use Hubrelay\Revoked;

/**
 * The client's own requests to connections. A new connection is asked for all that is wanted, and each connection drops
 * what is not.
 *
 * @internal
 */
final class Restoring
{
    public const SUBSCRIBE = 3;
    public const UNSUBSCRIBE = 4;

    private readonly Telling $telling;

    public function __construct(
        private readonly Connections $connections,
        private readonly Subscribing $subscribing,
    ) {
        $this->telling = $connections->telling;
    }

    /**
     * Asks a connection for these names. Those that it does not grant are reported as Revoked.
     *
     * @param list<Name> $names
     * @return list<Request>
     */
    public function restore(Link $link, array $names): array
    {
        $names = \array_values(\array_filter($names, static fn (Name $name): bool => $name->isWanted()));
        if (!$link->has('patterns')) {
            $isPattern = static fn (Name $name): bool => $name->isPattern;
            $this->revoke(\array_values(\array_filter($names, $isPattern)), 'this relay has no patterns');
            $names = \array_values(\array_filter($names, static fn (Name $name): bool => !$name->isPattern));
        }
        $requests = [];
        foreach (Names::inFrames($names, $link->maxFrame) as $portion) {
            $request = new Request(function (Link $link, Request $request, ?Reply $reply) use ($portion): void {
                $this->restored($link, $request, $reply, $portion);
            }, true);
            $link->restoring[\spl_object_id($request)] = $request;
            $this->writeSubscribe($link, $request, $portion);
            $requests[] = $request;
        }

        return $requests;
    }

    /**
     * @param list<Name> $names
     */
    private function restored(Link $link, Request $request, ?Reply $reply, array $names): void
    {
        unset($link->restoring[\spl_object_id($request)]);
        if ($reply !== null && !Subscribing::isGranted($reply)) {
            foreach ($names as $name) {
                unset($link->asked[\spl_object_id($name)]);
            }
            $this->telling->gaps->answered($request, $this->askForTheRest($link, $names, $reply));
        }
        if ($reply !== null && $reply->outcome === Outcome::PENDING) {
            $link->isPending = true;
        }
        $this->subscribing->answered($link, $request, $names, $reply);
        $this->connections->restored($link);
    }

    /**
     * Asks again after a restore was not granted: without the names that were refused, or else in two halves.
     *
     * @param list<Name> $names
     * @return list<Request>
     */
    private function askForTheRest(Link $link, array $names, Reply $reply): array
    {
        $refused = [];
        foreach ($this->telling->names->find($reply->channels, $reply->patterns) as $name) {
            $refused[\spl_object_id($name)] = true;
        }
        $rest = [];
        $gone = [];
        foreach ($names as $name) {
            if (isset($refused[\spl_object_id($name)])) {
                $gone[] = $name;
            } else {
                $rest[] = $name;
            }
        }
        if ($gone !== []) {
            $this->revoke($gone, $reply->detail);

            return $this->restore($link, $rest);
        }
        if (\count($names) === 1) {
            $this->revoke($names, $reply->detail !== '' ? $reply->detail : Outcome::name($reply->outcome));

            return [];
        }
        $half = \intdiv(\count($names), 2);

        return [
            ...$this->restore($link, \array_slice($names, 0, $half)),
            ...$this->restore($link, \array_slice($names, $half)),
        ];
    }

    /** Makes a connection hold exactly what is wanted. */
    public function reconcile(Link $link): void
    {
        $lacking = [];
        foreach ($this->telling->names->all() as $name) {
            if (!isset($link->asked[\spl_object_id($name)])) {
                $lacking[] = $name;
            }
        }
        $this->restore($link, $lacking);
        $isUnwanted = static fn (Name $name): bool => !$name->isWanted();
        $this->writeUnsubscribes($link, \array_values(\array_filter($link->asked, $isUnwanted)));
    }

    /**
     * These names are not held any more. Reports that to `events` and to their subscriptions, which end.
     *
     * @param list<Name> $names
     */
    public function revoke(array $names, string $detail): void
    {
        $isHeld = static fn (Name $name): bool => $name->isPlain || $name->queues !== [];
        $names = \array_values(\array_filter($names, $isHeld));
        if ($names === []) {
            return;
        }
        $lost = [];
        foreach ($names as $name) {
            foreach ($name->listeners as $id => $listener) {
                if (isset($name->queues[\spl_object_id($listener->queue)])) {
                    $lost[$id] ??= [$listener, []];
                    $lost[$id][1][] = $name;
                }
            }
            foreach ($this->connections->links() as $link) {
                unset($link->asked[\spl_object_id($name)]);
            }
            $name->wantsPlain = false;
            $this->subscribing->setPlain($name, false);
        }
        foreach ($lost as [$listener, $itsNames]) {
            $listener->isClosed = true;
            $listener->queue->put(new Revoked(...[...Names::texts($itsNames), $detail]));
            $listener->queue->end();
            $this->subscribing->release($listener);
        }
        $this->telling->tell(new Revoked(...[...Names::texts($names), $detail]));
        $this->telling->names->forget($names);
        $this->telling->consideredSubscriptions();
    }

    /**
     * @param list<Name> $names
     */
    public function writeSubscribe(Link $link, Request $request, array $names): void
    {
        foreach ($names as $name) {
            $link->asked[\spl_object_id($name)] = $name;
            $name->asking = $request;
        }
        $link->ask($request, self::SUBSCRIBE, $names);
    }

    /**
     * @param list<Name> $names
     */
    public function writeUnsubscribe(Link $link, Request $request, array $names): void
    {
        foreach ($names as $name) {
            unset($link->asked[\spl_object_id($name)]);
        }
        $link->ask($request, self::UNSUBSCRIBE, $names);
    }

    /**
     * During a move, also asks the next connection.
     *
     * @param list<Name> $names
     */
    public function alsoOnNext(array $names): void
    {
        $next = $this->connections->nextServing();
        if ($next !== null) {
            $this->restore($next, $names);
        }
    }

    /**
     * @param list<Name> $names
     */
    public function dropOnNext(array $names): void
    {
        $next = $this->connections->nextServing();
        if ($next !== null) {
            $this->writeUnsubscribes($next, $names);
        }
    }

    /**
     * Unsubscribes at the relays from those names that nobody wants any more.
     *
     * @param list<Name> $names
     */
    public function dropUnwanted(array $names): void
    {
        foreach ([$this->connections->serving(), $this->connections->nextServing()] as $link) {
            if ($link !== null) {
                $isToEnd = static fn (Name $name): bool =>
                    !$name->isWanted() && isset($link->asked[\spl_object_id($name)]);
                $this->writeUnsubscribes($link, \array_values(\array_filter($names, $isToEnd)));
            }
        }
    }

    /**
     * @param list<Name> $names
     */
    private function writeUnsubscribes(Link $link, array $names): void
    {
        foreach (Names::inFrames($names, $link->maxFrame) as $portion) {
            $this->writeUnsubscribe($link, Request::ignored(), $portion);
        }
    }
}
