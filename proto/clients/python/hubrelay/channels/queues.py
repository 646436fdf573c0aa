"""A local channel: messages that have come for one consumer, or one worker, and have not been received yet."""
import asyncio
from collections import deque
from typing import Any, Callable, Optional, Union

#: Limit of the messages of one channel, in bytes. An empty channel always takes one message.
MAX_BYTES = 4 << 20

#: An encoded message and when it expires; or a notice that the layer made, which does not expire.
Entry = tuple[float, Union[bytes, dict[str, Any]]]

NEVER = float("inf")


class Forgotten(Exception):
    """The layer was flushed, or the channel forgotten: a caller that waits for the channel asks for it again."""


def _nothing() -> None:
    """The `disown` of a channel without an owner: nothing to do."""


class ChannelQueue:
    """Messages in their order, at most `capacity` of them. Times are those of `time.monotonic`, in seconds."""

    def __init__(self, name: str, subscription: str, capacity: int, now: float) -> None:
        self.name = name
        self.subscription = subscription  #: The relay's channel that carries its messages.
        self.groups: dict[str, float] = {}  #: The groups that it is in, and when it was added to each.
        self.has_owner = False  #: The task that made it still runs. The channel lives at least as long.
        #: Removes the callback from that task, since a task that lives long may make many channels.
        self.disown: Callable[[], Any] = _nothing
        self.was_used = False  #: Somebody has begun to receive from it.
        self.is_orphan = False  #: Its owner has ended, and was its receiver, or was cancelled.
        self.last_use = now
        self.has_expired = False  #: A message has expired since the last one was received.
        self._capacity = capacity
        self._entries: deque[Entry] = deque()
        self._messages = self._bytes = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._receivers = 0  # the number of calls of `get`, including those that were woken
        self._is_forgotten = False

    @property
    def is_awaited(self) -> bool:
        """Whether a caller is in `get`."""
        return self._receivers > 0

    def put(self, message: bytes, expires: float) -> bool:
        """Adds a message. Returns False if there is no room; then the message is dropped."""
        if self._messages and (self._messages >= self._capacity or self._bytes + len(message) > MAX_BYTES):
            return False
        self._messages += 1
        self._bytes += len(message)
        self._entries.append((expires, message))
        if self._waiters:
            self._wake()
        return True

    def put_gap(self, notice: dict[str, Any], first: bool = False) -> None:
        """Adds a notice that messages may have been missed: behind all entries, or in front of them if `first`. Between
        two messages there is only one such notice."""
        places = range(len(self._entries))
        for place in places if first else reversed(places):
            other = self._entries[place][1]
            if not isinstance(other, dict):
                break
            if other["type"] == notice["type"]:
                reasons = dict.fromkeys([*other["reasons"], *notice["reasons"]])
                notice = {**notice, "reasons": list(reasons), "partial": other["partial"] and notice["partial"]}
                self._entries[place] = NEVER, notice
                return
        if first:
            self._entries.appendleft((NEVER, notice))
        else:
            self._entries.append((NEVER, notice))
        self._wake()

    def put_state(self, kind: Optional[str], types: tuple[Optional[str], ...]) -> None:
        """Handles a change of state: removes all notices of `types`, and adds one of this kind, if given."""
        if len(self._entries) > self._messages:
            self._entries = deque(
                entry for entry in self._entries if not isinstance(entry[1], dict) or entry[1]["type"] not in types)
        if kind is not None:
            self._entries.append((NEVER, {"type": kind}))
            self._wake()

    async def get(self) -> Union[bytes, dict[str, Any]]:
        """The next message or notice. Raises Forgotten."""
        self._receivers += 1
        self.was_used = True
        try:
            while not self._entries:
                if self._is_forgotten:
                    raise Forgotten
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif self._entries:
                self._wake()  # it was woken for an entry that another caller can take
            raise
        finally:
            self._receivers -= 1
        entry = self._entries.popleft()[1]
        if isinstance(entry, bytes):
            self._messages -= 1
            self._bytes -= len(entry)
            self.has_expired = False
        return entry

    def expire(self, now: float) -> int:
        """Drops the messages that have expired. Returns how many."""
        if next((expires for expires, _ in self._entries if expires != NEVER), NEVER) > now:
            return 0
        kept = [entry for entry in self._entries if entry[0] > now]
        expired = len(self._entries) - len(kept)
        self._entries = deque(kept)
        self._messages -= expired
        self._bytes = sum(len(entry[1]) for entry in kept if isinstance(entry[1], bytes))
        self.has_expired = True
        return expired

    def is_abandoned(self, now: float, expiry: float) -> bool:
        """Whether nobody is expected to receive from this channel any more.

        A channel in a group is abandoned only if it has no owner, and messages have expired in it. Without a group
        little is lost if it is forgotten: this happens after `expiry`, or after ten times `expiry` while its owner
        lives. An owner may make many channels, for one answer each.
        """
        if self.is_awaited or (self.groups and (self.has_owner or not self.has_expired)):
            return False
        return now - self.last_use > (10 * expiry if self.has_owner else expiry)

    def forget(self) -> None:
        """Drops everything. Callers that wait in `get` get Forgotten."""
        self._is_forgotten = True
        self._entries.clear()
        self._messages = self._bytes = 0
        self.groups.clear()
        while self._waiters:
            self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
