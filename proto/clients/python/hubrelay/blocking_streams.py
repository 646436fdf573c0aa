"""Streams of events for threads: `events` of a client, and its subscriptions."""
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Optional

from .frames import Message, Outcome
from .listening import Listener
from .options import Hooks
from .queues import Event, EventQueue
from .waiting import BlockingWaiter

if TYPE_CHECKING:
    from .blocking_client import Client


class BlockingEventStream:
    """A stream of events in their order, for `for`. It ends when the client, or the subscription, is closed.

    Several threads may iterate over one stream; each event goes to one of them.
    """

    def __init__(self, client: "Client", queue: EventQueue) -> None:
        self._client, self._queue = client, queue
        self._delivered: Optional[Message] = None

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = self.get()
        if event is None:
            raise StopIteration
        return event

    def get(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event. None after `timeout` seconds, and at the end."""
        client, queue, hooks = self._client, self._queue, self._client._hooks
        client._notice_fork()
        if hooks is not None:
            self._after_delivery(hooks)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with client._lock:
                event = queue.take()
                if event is not None:
                    client._requested()
                    break
                if queue.is_ended:
                    return None
                if client._thread is None and not client._core.is_closing:
                    client._begin()  # waiting for events is a use
                waiter = BlockingWaiter()
                queue.waiters.append(waiter)
            try:
                is_done = client._reading.wait(waiter, deadline)
            except BaseException:
                with client._lock:
                    queue.give_up(waiter)
                    client._reading.interrupt()  # perhaps the thread that was woken is the one that reads
                raise
            if not is_done:
                with client._lock:
                    if waiter in queue.waiters:
                        queue.waiters.remove(waiter)
                        return None
        if hooks is not None and isinstance(event, Message):
            self._delivered = event
            hooks.before_delivery(event)
        return event

    def _after_delivery(self, hooks: Hooks) -> None:
        delivered, self._delivered = self._delivered, None
        if delivered is not None:
            hooks.after_delivery(delivered)


class BlockingSubscription(BlockingEventStream, Listener):
    """Yields Message, Loss, Gap and Revoked; Revoked ends it. Close it, or use `with`. `outcome` is OK, or PENDING if
    it comes into force once the relay receives."""

    def __init__(self, client: "Client", channels: tuple[str, ...], patterns: tuple[str, ...]) -> None:
        self._core = client._core  # after a fork the client has another one
        Listener.__init__(self, self._core.new_queue())
        BlockingEventStream.__init__(self, client, self.queue)
        self.channels, self.patterns = channels, patterns
        self.outcome = Outcome.UNSPECIFIED

    def __enter__(self) -> "BlockingSubscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the subscription: no more messages come. Idempotent. It does not wait for the relay, and any thread may
        call it."""
        client = self._client
        if client._hooks is not None:
            self._after_delivery(client._hooks)
        client._notice_fork()
        with client._lock:
            self._core.subscribing.unlisten(self)
            client._reading.interrupt()  # perhaps the thread that waits for this stream is the one that reads
        client._flush()
