<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Outcome;
use Hubrelay\Revoked;

/**
 * What connections are asked for on the client's own account: a new one for all that is wanted, and each for nothing
 * else.
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
     * Asks a connection for these names; what it does not grant is told as Revoked.
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
     * After a restore was not granted: without those that were refused, or else by halves.
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

    /** Makes a connection hold what is wanted, and nothing else. */
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
     * These are not held any more. Tells who is concerned; each of their subscriptions ends.
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
     * During a move the next connection is asked, too.
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
     * Tells the relays which of these nobody wants any more.
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
