"""Queues between the client and the application. They are bounded in bytes; a Loss replaces what did not fit."""
from collections import deque
from dataclasses import replace
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Optional, Protocol, Union

from .frames import Cause, Gap, Loss, Message, Revoked, Status
from .options import Counters

Event = Union[Message, Status, Gap, Loss, Revoked]

#: How many bytes a message counts beside its names and payload, and how many any other event counts.
MESSAGE_OVERHEAD, EVENT_BYTES = 100, 400
#: Limit of events in a queue that are not messages. Beyond it, the oldest Status or Gap is dropped.
MAX_NOTICES = 1000


class Waiter(Protocol):
    """What a caller waits for: an asyncio.Future, or the blocking client's BlockingWaiter."""

    def done(self) -> bool: ...

    def set_result(self, result: Any) -> None: ...

    def set_exception(self, exception: BaseException) -> None: ...


def settle(waiter: Optional[Waiter], result: Any = None, error: Optional[BaseException] = None) -> None:
    """Ends a wait, unless its caller has given up."""
    if waiter is None or waiter.done():
        return
    if error is None:
        waiter.set_result(result)
    else:
        waiter.set_exception(error)


def _bytes_of(events: Iterable[Event]) -> int:
    """The bytes of the messages among these events."""
    return sum(len(event[1]) + len(event[0]) + len(event[2]) + MESSAGE_OVERHEAD
               for event in events if type(event) is Message)


class EventQueue:
    """Events that the application has not taken. `counters.queued_bytes` counts all queues of the client."""

    def __init__(self, limit: int, total_limit: int, counters: Counters) -> None:
        self.bytes = 0
        self.waiters: deque[Waiter] = deque()  #: Each is woken once, when there may be something to take.
        self.is_ended = False
        self._items: deque[Event] = deque()
        self._limit, self._total_limit, self._counters = limit, total_limit, counters
        self._lost = 0  # messages that were dropped after the last item
        self._notices = 0  # items that are not messages

    def __len__(self) -> int:
        return len(self._items) + (self._lost > 0)

    @property
    def is_full(self) -> bool:
        """Whether this queue, or all queues together, take no more messages."""
        return self.bytes >= self._limit or self._counters.queued_bytes >= self._total_limit

    def put_message(self, message: Message, may_exceed: bool = False) -> bool:
        """Returns False if the message was dropped. An empty queue always takes one. `may_exceed` removes the limits,
        for a read under way."""
        size = len(message[1]) + len(message[0]) + len(message[2]) + MESSAGE_OVERHEAD
        if (self.bytes + size > self._limit or self._counters.queued_bytes + size > self._total_limit) \
                and self._items and not may_exceed:
            self._lost += 1
            return False
        if self._lost:
            self._tell_lost()
        self.bytes += size
        self._counters.queued_bytes += size
        self._items.append(message)
        if self.waiters:
            self.wake()
        return True

    def put(self, event: Event) -> None:
        """Adds an event that is not a message; it is never refused.

        Adjacent Losses of one kind are merged. Beyond MAX_NOTICES the oldest Status or Gap is dropped.
        """
        if self._lost:
            self._tell_lost()
        if isinstance(event, Loss) and self._items and self._merge(event):
            return
        self._append(event)
        if self._notices > MAX_NOTICES:
            self._drop_oldest_notice()
        self.wake()

    def _merge(self, loss: Loss) -> bool:
        last = self._items[-1]
        if not isinstance(last, Loss) or (last.cause, last.local) != (loss.cause, loss.local):
            return False
        self._items[-1] = replace(last, publishes=last.publishes + loss.publishes,
                                  messages=last.messages + loss.messages,
                                  publishes_unknown=last.publishes_unknown + loss.publishes_unknown)
        return True

    def take(self) -> Optional[Event]:
        """The next event, or None."""
        if not self._items:
            if not self._lost:
                return None
            self._tell_lost()
        event = self._items.popleft()
        if type(event) is Message:
            size = len(event[1]) + len(event[0]) + len(event[2]) + MESSAGE_OVERHEAD
        else:
            size = EVENT_BYTES
            self._notices -= 1
        self.bytes -= size
        self._counters.queued_bytes -= size
        return event

    def end(self) -> None:
        """Nothing comes any more. The application may still take the events in the queue."""
        self.is_ended = True
        while self.waiters:
            settle(self.waiters.popleft())

    def remove_messages(self, channels: AbstractSet[str], patterns: AbstractSet[str]) -> None:
        """Drops the messages that came by these names."""
        kept = [event for event in self._items if type(event) is not Message or
                (event.pattern not in patterns if event.pattern else event.channel not in channels)]
        if len(kept) == len(self._items):
            return
        gone = _bytes_of(self._items) - _bytes_of(kept)
        self._items = deque(kept)
        self.bytes -= gone
        self._counters.queued_bytes -= gone

    def clear(self) -> None:
        """Drops everything."""
        self._counters.queued_bytes -= self.bytes
        self.bytes = self._lost = self._notices = 0
        self._items.clear()

    def _tell_lost(self) -> None:
        loss = Loss(messages=self._lost, reason="not read in time", cause=Cause.SLOW_READER, local=True)
        self._counters.lost_messages += self._lost
        self._lost = 0
        self._append(loss)
        self._append(Gap(("messages were dropped, since they were not read in time",)))

    def _append(self, event: Event) -> None:
        self._items.append(event)
        self._notices += 1
        self.bytes += EVENT_BYTES
        self._counters.queued_bytes += EVENT_BYTES

    def _drop_oldest_notice(self) -> None:
        for event in self._items:
            if isinstance(event, (Status, Gap)):
                self._items.remove(event)
                self._notices -= 1
                self.bytes -= EVENT_BYTES
                self._counters.queued_bytes -= EVENT_BYTES
                return

    def give_up(self, waiter: Waiter) -> None:
        """The waiter's caller has given up. If it was already woken, another one is woken instead."""
        try:
            self.waiters.remove(waiter)
        except ValueError:
            self.wake()

    def wake(self) -> None:
        """Wakes one waiting caller."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
