"""Moving from a relay that is STOPPING to the next one without missing a message and without getting one twice.

Both connections subscribe to a channel for this move only, the fence, and one message is published there. Redis sends
messages to all subscribers in the same order, so the fence message has the same place on both connections. The former
connection's messages count up to the fence, the next one's after it. PROTOCOL.md has its ladder.
"""
import secrets
from typing import TYPE_CHECKING, Optional, Union

from .codec import encode
from .frames import Loss, Message, Outcome, Publish, Reply
from .link import Link, Request
from .names import Name
from .queues import EVENT_BYTES, MESSAGE_OVERHEAD
from .subscribing import SUBSCRIBE, UNSUBSCRIBE

if TYPE_CHECKING:
    from .connections import Connections

#: Limit of the next connection's messages that are kept until the former one's fence has come.
MAX_KEPT_BYTES = 4 << 20


class Move:
    """A move from `old` to `new`. It ends by calling `Connections.moved` with the reason for a Gap, or with None if it
    was exact."""

    def __init__(self, core: "Connections", old: Link, new: Link) -> None:
        self.old, self.new = old, new
        self._core = core
        self.fence = ""
        if "fence" in old.features and "fence" in new.features:
            self.fence = "__hubrelay:fence:" + secrets.token_hex(8)
        self._name = Name(self.fence, self.fence.encode(), False)
        self._is_fenced = False  # the fence was subscribed to
        self._in_force = 0  # on how many of the two connections the fence is in force
        self._is_published = self._is_counting = self.is_over = False
        self._old_passed = self._new_passed = False
        self._kept: list[tuple[Optional[Name], Union[Message, Loss]]] = []  # a Loss has no name
        self._kept_bytes = 0
        old.take_message, new.take_message = self._from_old, self._from_new

    def begin(self) -> None:
        """Subscribes to the fence. The next connection was asked for all names before."""
        self._is_fenced = bool(self.fence)
        if self.fence:
            for link in (self.old, self.new):
                link.ask(Request(self._fence_answered), SUBSCRIBE, [self._name])

    def consider(self) -> None:
        """Takes the next step if the next connection's Subscribes are in force."""
        if self.is_over or (self._is_counting and not self.fence):
            return
        if self.new.restoring or (self.new.is_pending and not self._core.status.receiving):
            return
        if not self._is_counting:
            self._is_counting = True
            if not self.fence:
                self.give_up("moved to another relay")
                return
            self._core.timers.set("fence", self._core.options.successor)
        if self._in_force == 2 and not self._is_published:
            self._is_published = True
            id = self.new.next_id()
            self.new.requests[id] = Request(self._published)
            self.new.write(encode(Publish(self.fence, b"", id)))

    def fence_came(self, link: Link) -> None:
        """The fence message has come on this connection."""
        if link is self.old:
            self._old_passed = True
        elif link is self.new:
            self._new_passed = True
            self._kept, self._kept_bytes = [], 0
        if self._old_passed and self._new_passed:
            self._end(None)

    def loss_came(self, loss: Loss) -> None:
        """The next relay has reported dropped messages. This is reported in its place if its messages already count."""
        if self._is_counting:
            self._kept.append((None, loss))
            self._kept_bytes += EVENT_BYTES

    def give_up(self, reason: str) -> None:
        """Ends the move. From now on the next connection's messages count, with those that it has sent since its last
        Reply."""
        self._end(reason)

    def abandon(self) -> None:
        """The next connection has ended: the former one continues."""
        self.is_over = True
        self._core.timers.set("fence", None)
        self.old.take_message = self._core.deliver
        if self._old_passed:  # the next one should have delivered what came after the fence
            self._core.gaps.note("the next relay ended while it took over")
        self._unsubscribe(self.old)

    def _end(self, reason: Optional[str]) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._core.timers.set("fence", None)
        self.old.take_message, self.new.take_message = discard, self._core.deliver
        for name, event in self._kept:
            if isinstance(event, Loss):
                self._core.tell_lost_messages(event)
            elif name is not None:
                self._core.deliver(name, event)
        self._kept = []
        self._unsubscribe(self.new)
        self._core.moved(reason)

    def _unsubscribe(self, link: Link) -> None:
        if self._is_fenced and not link.is_ended:
            link.ask(Request(lambda *_: None), UNSUBSCRIBE, [self._name])

    def _fence_answered(self, link: Link, request: Request, reply: Optional[Reply]) -> None:
        if self.is_over or reply is None:
            return
        if reply.outcome != Outcome.OK:
            self.fence = ""
            self.consider()
            if self._is_counting:
                self.give_up("moved to another relay")
            return
        self._in_force += 1
        self.consider()

    def _published(self, link: Link, request: Request, reply: Optional[Reply]) -> None:
        if reply is not None and reply.outcome != Outcome.OK:
            self.give_up("moved to another relay")

    def _from_old(self, name: Name, message: Message) -> None:
        if not self._old_passed:
            self._core.deliver(name, message)

    def _from_new(self, name: Name, message: Message) -> None:
        if not self._is_counting:
            return
        self._kept.append((name, message))
        self._kept_bytes += len(message[0]) + len(message[1]) + MESSAGE_OVERHEAD
        if self._kept_bytes <= MAX_KEPT_BYTES:
            return
        if self._new_passed:
            self.give_up("moved to another relay, and its messages were too many to keep")
        else:  # before the fence the former connection delivers them
            self._kept, self._kept_bytes = [], 0


def discard(name: Name, message: Message) -> None:
    """Drops a message of a connection that was left."""
