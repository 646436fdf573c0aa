"""A backend for Litestar's channels: `ChannelsPlugin(HubrelayChannelsBackend(), channels=[...])`.

https://docs.litestar.dev/2/usage/channels.html. docs/litestar.md says what it does in an outage.
"""
import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Callable, Optional, Union

try:
    from litestar.channels import ChannelsBackend, ChannelsPlugin
except ImportError as error:
    raise ImportError("hubrelay.litestar needs Litestar: pip install litestar", name=error.name) from error

from .asyncio_client import AsyncClient
from .feed import Feed, Hook, call, check_hook
from .frames import Gap, Loss, Revoked, Status
from .options import DEFAULT_PATH

__all__ = ["HubrelayChannelsBackend"]

_LOGGER = logging.getLogger("hubrelay.litestar")
#: The task of the plugin that publishes what `ChannelsPlugin.publish` has taken. An exception would end it for good.
_WORKER = "_pub_worker"


class HubrelayChannelsBackend(ChannelsBackend):
    """Channels by hubrelay, for as many workers and hosts as there are. It starts without a relay.

    :param path: the relay's socket, or its URL: hubrelay:///run/hubrelay/hubrelay.sock
    :param name: shown by the relay, for people; at most 64 bytes of UTF-8
    :param on_status, on_gap, on_loss, on_revoked: called with a hubrelay.Status, Gap, Loss or Revoked, in its place
        between messages. What one returns (bytes or a str) is delivered there to all subscribers of this worker, as if
        it had been published: so pages can be told. After a Revoked it is delivered to those of its channels.
    :param on_publish_error: called with the error, the channel and the payload, for each message of
        `ChannelsPlugin.publish` that was not published: NotConnected (certainly not), Interrupted (unknown), Refused,
        Invalid, Congested. `wait_published` raises the error instead.
    :param options: those of hubrelay.AsyncClient

    Hooks may be coroutine functions; messages wait while one runs. What they raise is logged.

    Raises Invalid for a wrong `name`, TypeError for a wrong option or hook, ValueError for a wrong URL. Channels are 1
    to 512 bytes of UTF-8; payloads are as large as the relay's `--max-payload`. Not thread-safe, as the plugin is not.
    """

    def __init__(self, path: "Union[str, os.PathLike[str]]" = DEFAULT_PATH, *, name: str = "litestar",
                 on_status: Hook = None, on_gap: Hook = None, on_loss: Hook = None, on_revoked: Hook = None,
                 on_publish_error: Optional[Callable[[Exception, str, bytes], Any]] = None,
                 logger: logging.Logger = _LOGGER, **options: Any) -> None:
        check_hook(on_publish_error)
        hooks = {Status: on_status, Gap: on_gap, Loss: on_loss, Revoked: on_revoked}
        self._feed = Feed(path, hooks, logger, name=name, **options)
        self._on_publish_error, self._logger = on_publish_error, logger
        self._unpublished: dict[str, int] = {}  # since the last success, by the error's name

    @property
    def client(self) -> AsyncClient:
        """This worker's client, for `client.status` and `client.counters`. Raises RuntimeError before the startup."""
        client = self._feed.client
        if client is None:
            raise RuntimeError("Backend not yet initialized. Did you forget to call on_startup?")
        return client

    async def on_startup(self) -> None:
        """Begins to connect. Does not wait for a relay, and does not fail without one."""
        self._feed.start()

    async def on_shutdown(self) -> None:
        """Ends the connection; answers that are owed are waited for."""
        await self._feed.stop()

    async def publish(self, data: bytes, channels: Iterable[str]) -> None:
        """Publishes to all `channels`; each may fail for itself, and the first error is raised.

        In the task that publishes for `ChannelsPlugin.publish` nothing is raised: it is logged, and told to
        `on_publish_error`.
        """
        client, names = self.client, list(dict.fromkeys(channels))
        results = await asyncio.gather(*(client.publish(name, data) for name in names), return_exceptions=True)
        failures = [(name, result) for name, result in zip(names, results) if isinstance(result, Exception)]
        if not _is_worker():
            if failures:
                raise failures[0][1]
        elif failures:
            await self._tell(failures, data)
        elif self._unpublished:
            self._logger.warning("published again; before, there failed: %s", _counts(self._unpublished))
            self._unpublished.clear()

    async def subscribe(self, channels: Iterable[str]) -> None:
        """Returns once the subscription is in force, or is held and will be: a Gap follows then.

        Raises Refused, Limit, Invalid. Since the plugin takes itself for subscribed then, what was refused is asked for
        again from time to time.
        """
        await self._feed.subscribe(self.client, channels, keep=True)

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        """After this no event of `channels` comes."""
        await self._feed.unsubscribe(self.client, channels)

    async def stream_events(self) -> AsyncGenerator[tuple[str, bytes], None]:
        """Channel and payload of each event as it comes. Raises nothing in an outage, and goes on after it."""
        _ = self.client  # raises before on_startup
        while True:
            message = await self._feed.next()
            if message is None:
                return
            yield message.channel, message.payload

    async def get_history(self, channel: str, limit: Optional[int] = None) -> list[bytes]:
        """Not implemented: nothing is kept, as by Litestar's own pub/sub backends. Read it from where it is stored."""
        raise NotImplementedError("hubrelay keeps no history; read it from where your messages are stored")

    async def _tell(self, failures: "list[tuple[str, Exception]]", data: bytes) -> None:
        for channel, failure in failures:
            kind = type(failure).__name__
            if kind not in self._unpublished:
                self._logger.warning("not published to %r: %s: %s. More of these are counted until one succeeds",
                                     channel, kind, failure)
            self._unpublished[kind] = self._unpublished.get(kind, 0) + 1
            await call(self._on_publish_error, self._logger, failure, channel, data)


def _counts(failed: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(failed.items()))


def _is_worker() -> bool:
    """Whether nobody would catch an exception here. A plugin without such a task may have it elsewhere, so: yes."""
    if not hasattr(ChannelsPlugin, _WORKER):
        return True
    task = asyncio.current_task()
    return task is not None and getattr(task.get_coro(), "__name__", "") == _WORKER
