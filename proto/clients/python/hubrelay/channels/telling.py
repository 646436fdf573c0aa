"""Reports events other than messages to an application: by a Django signal, and in the log."""
import asyncio
import logging
from typing import TYPE_CHECKING, Any

from channels.db import database_sync_to_async
from django.dispatch import Signal

from ..frames import Cause, Loss
from ..queues import Event

if TYPE_CHECKING:
    from .layer import HubrelayChannelLayer

LOGGER = logging.getLogger("hubrelay.channels")

#: Sent for each Status, Gap, Loss and Revoked of an event loop's connection. `sender` is the layer's class,
#: `channel_layer` is the layer, and `event` is the event. Receivers run in a thread, as synchronous views do, so they
#: may use the database. Django logs exceptions that they raise.
channel_layer_event = Signal()

#: Seconds between two reports of dropped messages.
REPORT_PERIOD = 10.0


class Teller:
    """Sends the signal, and reports dropped messages, for one event loop."""

    def __init__(self, channel_layer: "HubrelayChannelLayer", loop: asyncio.AbstractEventLoop) -> None:
        self._channel_layer, self._loop = channel_layer, loop
        self._tasks: set[asyncio.Task[Any]] = set()
        self._dropped: dict[tuple[str, Cause], int] = {}  # number of messages since the last report
        self._is_report_due = False

    def tell(self, event: Event) -> None:
        """Sends the signal, if anybody listens to it."""
        sender = type(self._channel_layer)
        if not channel_layer_event.has_listeners(sender):
            return
        send = database_sync_to_async(channel_layer_event.send_robust)
        task = self._loop.create_task(send(sender=sender, channel_layer=self._channel_layer, event=event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drop(self, messages: int, reason: str, cause: Cause) -> None:
        """Counts messages that this layer has dropped. They are reported together: at once, or 10 s after the previous
        report."""
        if not self._dropped and not self._is_report_due:
            self._loop.call_soon(self._report)
        self._dropped[reason, cause] = self._dropped.get((reason, cause), 0) + messages

    async def close(self) -> None:
        """Reports the messages counted so far, and waits up to a second for the signal's receivers to end."""
        self._report()
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _report(self) -> None:
        self._is_report_due = bool(self._dropped)
        for (reason, cause), messages in self._dropped.items():
            LOGGER.warning("%d messages were dropped: %s", messages, reason)
            self.tell(Loss(messages=messages, reason=reason, cause=cause, local=True))
        self._dropped = {}
        if self._is_report_due:
            self._loop.call_later(REPORT_PERIOD, self._report)
