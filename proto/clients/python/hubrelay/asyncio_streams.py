"""Streams of events for asyncio: `events` of a client, and its subscriptions."""
import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Optional

from .frames import Message, Outcome
from .listening import Listener
from .options import Hooks
from .queues import Event, EventQueue

if TYPE_CHECKING:
    from .asyncio_client import AsyncClient


class EventStream:
    """A stream of events in their order, for `async for`. It ends when the client, or the subscription, is closed.

    Several tasks may iterate over one stream; each event goes to one of them.
    """

    _is_opened = True  # a Subscription has to be opened first

    def __init__(self, client: "AsyncClient", queue: EventQueue) -> None:
        self._client, self._queue = client, queue
        self._delivered: Optional[Message] = None

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Event:
        queue = self._queue
        hooks = self._client._hooks
        if hooks is not None:
            self._after_delivery(hooks)
        while True:
            event = queue.take()
            if event is not None:
                self._client._requested()
                if hooks is not None:
                    self._before_delivery(hooks, event)
                return event
            if queue.is_ended:
                raise StopAsyncIteration
            if not self._is_opened:
                await self._open()
                continue
            if self._client._loop is None and not self._client._core.is_closing:
                self._client._begin_if_needed()  # waiting for events is a use, and may already have caused one
                continue
            waiter = self._client._waiter()
            queue.waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                queue.give_up(waiter)
                raise

    async def _open(self) -> "EventStream":
        return self

    def get_nowait(self) -> Optional[Event]:
        """The next event if there is one now, else None."""
        hooks = self._client._hooks
        if hooks is not None:
            self._after_delivery(hooks)
        event = self._queue.take()
        self._client._requested()
        if hooks is not None and event is not None:
            self._before_delivery(hooks, event)
        return event

    def _before_delivery(self, hooks: Hooks, event: Event) -> None:
        if isinstance(event, Message):
            self._delivered = event
            hooks.before_delivery(event)

    def _after_delivery(self, hooks: Hooks) -> None:
        delivered, self._delivered = self._delivered, None
        if delivered is not None:
            hooks.after_delivery(delivered)


class Subscription(EventStream, Listener):
    """Yields Message, Loss, Gap and Revoked; Revoked ends it. Open it by `async with`, `await` or `async for`, then
    close it.

        async with client.listen("room.7") as subscription:
            async for event in subscription: ...
    """

    def __init__(self, client: "AsyncClient", channels: tuple[str, ...], patterns: tuple[str, ...]) -> None:
        self._core = client._core  # after a fork the client has another one
        Listener.__init__(self, self._core.new_queue())
        EventStream.__init__(self, client, self.queue)
        self.channels, self.patterns = channels, patterns
        self._is_opened = False
        #: OK, or PENDING if it comes into force once the relay receives. None until the subscription is open.
        self.outcome: Optional[Outcome] = None

    def __await__(self) -> Generator[Any, None, "Subscription"]:
        return self._open().__await__()

    async def __aenter__(self) -> "Subscription":
        return await self._open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _open(self) -> "Subscription":
        if self._is_opened and not self.is_closed:
            return self
        self._is_opened = True
        client = self._client
        waiter = client._begin()
        self._core = client._core
        self._core.subscribing.listen(self, self.channels, self.patterns, waiter)
        client._turn_soon()
        try:
            self.outcome = await waiter
        except asyncio.CancelledError:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Ends the subscription: no more messages come. Idempotent, and does not wait for the relay."""
        if self._client._hooks is not None:
            self._after_delivery(self._client._hooks)
        self._core.subscribing.unlisten(self)
        self._client._turn_soon()
