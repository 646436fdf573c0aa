"""A backend for broadcaster, in Starlette and FastAPI: `Broadcast(backend=HubrelayBackend())`.

https://github.com/encode/broadcaster#using-custom-backends. docs/broadcaster.md describes its behavior in an outage.
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
    """Broadcasts through hubrelay, between any number of workers and hosts. It starts without a relay, too.

    :param path: the path of the relay's socket, or its URL: hubrelay:///run/hubrelay/hubrelay.sock
    :param name: the relay shows it, for people; at most 64 bytes of UTF-8
    :param on_status, on_gap, on_loss, on_revoked: called with a hubrelay.Status, Gap, Loss or Revoked, in its place
        between messages. If a hook returns a str, or its UTF-8, that is delivered there to all subscribers of this
        worker, as if it had been published: so a hook can notify pages. For a Revoked, only subscribers of its
        channels get it.
    :param options: those of hubrelay.AsyncClient

    Hooks may be coroutine functions; messages wait while one runs. Exceptions that they raise are logged.

    Raises Invalid for a wrong `name`, TypeError for a wrong option or hook, ValueError for a wrong URL. Channels have 1
    to 512 bytes of UTF-8; messages are limited by the relay's `--max-payload`. Not thread-safe, like Broadcast.
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
        """Waits for outstanding answers, and ends the connection."""
        await self._feed.stop()

    async def subscribe(self, channel: str) -> None:
        """Returns once the subscription is in force, or is held and comes into force later; then a Gap follows.

        Raises Refused, Limit, Invalid. Broadcast.subscribe turns each into a KeyError, so the error is also logged.
        """
        try:
            await self._feed.subscribe(self.client, [channel], keep=False)
        except HubrelayError as failure:
            self._logger.warning("not subscribed to %r: %s: %s", channel, type(failure).__name__, failure)
            raise

    async def unsubscribe(self, channel: str) -> None:
        """After this no event of `channel` comes. Never raises: when a subscriber leaves, nobody catches exceptions."""
        client = self._feed.client
        try:
            if client is not None:  # else it is disconnected, and so are its subscriptions
                await self._feed.unsubscribe(client, [channel])
        except HubrelayError:
            pass  # the channel was never subscribed to, or the client was closed meanwhile

    async def publish(self, channel: str, message: Any) -> None:
        """Publishes a str, bytes, or a number, as broadcaster's Redis backend does.

        Raises NotConnected (certainly not published), Interrupted (unknown), Refused, Invalid, Congested.
        """
        await self.client.publish(channel, _payload(message))

    async def next_published(self) -> BroadcastEvent:
        """The next event. In an outage it does not raise, and it continues after that. Once disconnected, it waits
        forever."""
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
    return repr(message) if is_number else message  # the client checks its type
