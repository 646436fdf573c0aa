"""A backend for broadcaster, in Starlette and FastAPI: `Broadcast(backend=HubrelayBackend())`.

https://github.com/encode/broadcaster#using-custom-backends. docs/broadcaster.md says what it does in an outage.
"""
import asyncio
import logging
import os
from typing import Any, Union

try:
    from broadcaster import BroadcastBackend
    from broadcaster import Event as BroadcastEvent
except ImportError as error:
    raise ImportError("hubrelay.broadcaster needs broadcaster: pip install broadcaster",
                      name=error.name) from error

from .asyncio_client import AsyncClient
from .errors import HubrelayError
from .feed import Feed, Hook
from .frames import Gap, Loss, Revoked, Status
from .options import DEFAULT_PATH, Payload

__all__ = ["HubrelayBackend"]

_LOGGER = logging.getLogger("hubrelay.broadcaster")


class HubrelayBackend(BroadcastBackend):
    """Broadcasts by hubrelay, for as many workers and hosts as there are. It starts without a relay.

    :param path: the relay's socket, or its URL: hubrelay:///run/hubrelay/hubrelay.sock
    :param name: shown by the relay, for people; at most 64 bytes of UTF-8
    :param on_status, on_gap, on_loss, on_revoked: called with a hubrelay.Status, Gap, Loss or Revoked, in its place
        between messages. What one returns (a str, or its UTF-8) is delivered there to all subscribers of this worker,
        as if it had been published: so pages can be told. After a Revoked it is delivered to those of its channels.
    :param options: those of hubrelay.AsyncClient

    Hooks may be coroutine functions; messages wait while one runs. What they raise is logged.

    Raises Invalid for a wrong `name`, TypeError for a wrong option or hook, ValueError for a wrong URL. Channels are 1
    to 512 bytes of UTF-8; messages are as large as the relay's `--max-payload`. Not thread-safe, as Broadcast is not.
    """

    def __init__(self, path: "Union[str, os.PathLike[str]]" = DEFAULT_PATH, *, name: str = "broadcaster",
                 on_status: Hook = None, on_gap: Hook = None, on_loss: Hook = None, on_revoked: Hook = None,
                 logger: logging.Logger = _LOGGER, **options: Any) -> None:
        hooks = {Status: on_status, Gap: on_gap, Loss: on_loss, Revoked: on_revoked}
        self._feed = Feed(path, hooks, logger, True, name=name, **options)
        self._logger = logger

    @property
    def client(self) -> AsyncClient:
        """This worker's client, for `client.status` and `client.counters`. Raises RuntimeError before `connect`."""
        client = self._feed.client
        if client is None:
            raise RuntimeError("not connected: use `async with broadcast:`, or await `broadcast.connect()` first")
        return client

    async def connect(self) -> None:
        """Begins to connect. Does not wait for a relay, and does not fail without one."""
        self._feed.start()

    async def disconnect(self) -> None:
        """Ends the connection; answers that are owed are waited for."""
        await self._feed.stop()

    async def subscribe(self, channel: str) -> None:
        """Returns once the subscription is in force, or is held and will be: a Gap follows then.

        Raises Refused, Limit, Invalid. Broadcast.subscribe makes a KeyError of each, so it is logged, too.
        """
        try:
            await self._feed.subscribe(self.client, [channel], keep=False)
        except HubrelayError as failure:
            self._logger.warning("not subscribed to %r: %s: %s", channel, type(failure).__name__, failure)
            raise

    async def unsubscribe(self, channel: str) -> None:
        """After this no event of `channel` comes. Raises nothing: nobody catches what a subscriber leaves behind."""
        client = self._feed.client
        try:
            if client is not None:  # else it is disconnected, and so are its subscriptions
                await self._feed.unsubscribe(client, [channel])
        except HubrelayError:
            pass  # no channel that was ever subscribed to; or the client is closed meanwhile

    async def publish(self, channel: str, message: Any) -> None:
        """Publishes a str, bytes, or a number, as broadcaster's Redis backend does.

        Raises NotConnected (certainly not published), Interrupted (unknown), Refused, Invalid, Congested.
        """
        await self.client.publish(channel, _payload(message))

    async def next_published(self) -> BroadcastEvent:
        """The next event. Raises nothing in an outage, and goes on after it. Waits for ever once disconnected."""
        while True:
            message = await self._feed.next()
            if message is None:
                await asyncio.get_running_loop().create_future()
                continue
            try:
                return BroadcastEvent(message.channel, message.payload.decode())
            except UnicodeDecodeError:
                reason = f"a message of {message.channel} is not UTF-8"
                await self._feed.tell(Loss(messages=1, reason=reason, local=True))


def _payload(message: Any) -> Payload:
    is_number = isinstance(message, (int, float)) and not isinstance(message, bool)
    return repr(message) if is_number else message  # what it is, is checked by the client
