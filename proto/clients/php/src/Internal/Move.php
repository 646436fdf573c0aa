<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Internal\Frame\Publish;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Outcome;

/**
 * A move from a relay that is STOPPING to the next one, without missing a message and without getting one twice.
 *
 * Both connections subscribe to a channel of their own, the fence, and one message is published there. Redis sends its
 * messages to all subscribers in one order, so the fence's message is at the same place in both. The former
 * connection's messages count up to it, the next one's from there on. PROTOCOL.md shows the frames.
 *
 * @internal
 */
final class Move
{
    /** The most bytes of the next connection's messages that are kept until the former one's fence has come. */
    private const MAX_KEPT_BYTES = 4 << 20;

    private const NOT_EXACT = 'moved to another relay';

    /** The fence's channel; empty if there is none, or if it was given up. */
    public string $fence = '';

    public bool $isOver = false;

    private readonly Name $name;

    private readonly Telling $telling;

    /** Whether the fence was asked for; on how many of the two connections it is in force; whether it was published. */
    private bool $isFenced = false;

    private int $inForce = 0;

    private bool $isPublished = false;

    /** The next connection's Subscribes are in force: its messages may count. */
    private bool $isCounting = false;

    /** The fence has come on the former connection, and on the next one. */
    private bool $oldPassed = false;

    private bool $newPassed = false;

    /** @var list<array{?Name, Message|Loss}> from the next connection, until it is known whether they count */
    private array $kept = [];

    private int $keptBytes = 0;

    public function __construct(
        private readonly Connections $connections,
        public readonly Link $old,
        public readonly Link $new,
    ) {
        $this->telling = $connections->telling;
        if ($old->has('fence') && $new->has('fence')) {
            $this->fence = '__hubrelay:fence:' . \bin2hex(\random_bytes(8));
        }
        $this->name = new Name($this->fence, false);
        $old->takeMessage = $this->fromOld(...);
        $new->takeMessage = $this->fromNew(...);
    }

    /** Asks for the fence. The next connection already has the requests for all names. */
    public function begin(): void
    {
        if ($this->fence === '') {
            return;
        }
        $this->isFenced = true;
        foreach ([$this->old, $this->new] as $link) {
            $link->ask(new Request($this->fenceAnswered(...)), Restoring::SUBSCRIBE, [$this->name]);
        }
    }

    /** Continues if the next connection's Subscribes are in force. */
    public function consider(): void
    {
        if ($this->isOver || $this->isCounting && $this->fence === '') {
            return;
        }
        if ($this->new->restoring !== [] || $this->new->isPending && !$this->telling->status->receiving) {
            return;
        }
        if (!$this->isCounting) {
            $this->isCounting = true;
            if ($this->fence === '') {
                $this->giveUp(self::NOT_EXACT);

                return;
            }
            $this->telling->timers->set('fence', $this->telling->options->successor);
        }
        if ($this->inForce === 2 && !$this->isPublished) {
            $this->isPublished = true;
            $id = $this->new->nextId();
            $this->new->requests[$id] = new Request($this->published(...));
            $this->new->write(Codec::encode(new Publish($this->fence, '', $id)));
        }
    }

    /** The fence's message has come on this connection. */
    public function fenceCame(Link $link): void
    {
        if ($link === $this->old) {
            $this->oldPassed = true;
        } elseif ($link === $this->new) {
            $this->newPassed = true;
            $this->kept = [];
            $this->keptBytes = 0;
        }
        if ($this->oldPassed && $this->newPassed) {
            $this->end(null);
        }
    }

    /**
     * The next connection reports that messages were dropped. That is reported in its place if those messages count.
     */
    public function lossCame(Loss $loss): void
    {
        if ($this->isCounting) {
            $this->kept[] = [null, $loss];
            $this->keptBytes += EventQueue::EVENT_BYTES;
        }
    }

    /**
     * From now on the next connection's messages count, including those that it has sent since its last Reply.
     *
     * @param string $reason for the Gap
     */
    public function giveUp(string $reason): void
    {
        $this->end($reason);
    }

    /** The next connection has ended: the former one continues. */
    public function abandon(): void
    {
        $this->isOver = true;
        $this->telling->timers->set('fence', null);
        $this->old->takeMessage = null;
        if ($this->oldPassed) { // what the former one sent after that was left to the next one
            $this->telling->gaps->note('the next relay ended while it took over');
        }
        $this->unsubscribe($this->old);
    }

    private function end(?string $reason): void
    {
        if ($this->isOver) {
            return;
        }
        $this->isOver = true;
        $this->telling->timers->set('fence', null);
        $this->old->takeMessage = self::discard(...);
        $this->new->takeMessage = null;
        foreach ($this->kept as [$name, $event]) {
            if ($event instanceof Loss) {
                $this->telling->tellLostMessages($event);
            } elseif ($name !== null) {
                $this->telling->deliver($name, $event);
            }
        }
        $this->kept = [];
        $this->unsubscribe($this->new);
        $this->connections->moved($this, $reason);
    }

    private function unsubscribe(Link $link): void
    {
        if ($this->isFenced && !$link->isEnded) {
            $link->ask(Request::ignored(), Restoring::UNSUBSCRIBE, [$this->name]);
        }
    }

    private function fenceAnswered(Link $link, Request $request, ?Reply $reply): void
    {
        if ($this->isOver || $reply === null) {
            return;
        }
        if ($reply->outcome !== Outcome::OK) {
            $this->fence = '';
            $this->consider();
            if ($this->isCounting) {
                $this->giveUp(self::NOT_EXACT);
            }

            return;
        }
        $this->inForce++;
        $this->consider();
    }

    private function published(Link $link, Request $request, ?Reply $reply): void
    {
        if ($reply !== null && $reply->outcome !== Outcome::OK) {
            $this->giveUp(self::NOT_EXACT);
        }
    }

    private function fromOld(Name $name, Message $message): void
    {
        if (!$this->oldPassed) {
            $this->telling->deliver($name, $message);
        }
    }

    private function fromNew(Name $name, Message $message): void
    {
        if (!$this->isCounting) {
            return;
        }
        $this->kept[] = [$name, $message];
        $this->keptBytes += EventQueue::MESSAGE_OVERHEAD + \strlen($message->channel) + \strlen($message->payload);
        if ($this->keptBytes <= self::MAX_KEPT_BYTES) {
            return;
        }
        if ($this->newPassed) {
            $this->giveUp(self::NOT_EXACT . ', and its messages were too many to keep');
        } else { // the former connection delivers the messages before the fence
            $this->kept = [];
            $this->keptBytes = 0;
        }
    }

    /** Ignores a message of a connection that was left. */
    public static function discard(Name $name, Message $message): void
    {
    }
}
