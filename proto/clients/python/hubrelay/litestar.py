"""A backend for Litestar's channels: `ChannelsPlugin(HubrelayChannelsBackend(), channels=[...])`.

https://docs.litestar.dev/2/usage/channels.html. docs/litestar.md describes its behavior in an outage.
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
#: The plugin's task that publishes the messages of `ChannelsPlugin.publish`. An exception would end it permanently.
_WORKER = "_pub_worker"


class HubrelayChannelsBackend(ChannelsBackend):
    """Channels through hubrelay, between any number of workers and hosts. It starts without a relay, too.

    :param path: the path of the relay's socket, or its URL: hubrelay:///run/hubrelay/hubrelay.sock
    :param name: the relay shows it, for people; at most 64 bytes of UTF-8
    :param on_status, on_gap, on_loss, on_revoked: called with a hubrelay.Status, Gap, Loss or Revoked, in its place
        between messages. If a hook returns bytes or a str, that is delivered there to all subscribers of this worker,
        as if it had been published: so a hook can notify pages. For a Revoked, only subscribers of its channels get it.
    :param on_publish_error: called with the error, the channel and the payload, for each message of
        `ChannelsPlugin.publish` whose publish failed: NotConnected (certainly not published), Interrupted (unknown),
        Refused, Invalid, Congested. `wait_published` raises the error instead.
    :param options: those of hubrelay.AsyncClient

    Hooks may be coroutine functions; messages wait while one runs. Exceptions that they raise are logged.

    Raises Invalid for a wrong `name`, TypeError for a wrong option or hook, ValueError for a wrong URL. Channels have 1
    to 512 bytes of UTF-8; payloads are limited by the relay's `--max-payload`. Not thread-safe, like the plugin.
    """

    def __init__(self, path: "Union[str, os.PathLike[str]]" = DEFAULT_PATH, *, name: str = "litestar",
                 on_status: Hook = None, on_gap: Hook = None, on_loss: Hook = None, on_revoked: Hook = None,
                 on_publish_error: Optional[Callable[[Exception, str, bytes], Any]] = None,
                 logger: logging.Logger = _LOGGER, **options: Any) -> None:
        check_hook(on_publish_error)
        hooks = {Status: on_status, Gap: on_gap, Loss: on_loss, Revoked: on_revoked}
        self._feed = Feed(path, hooks, logger, name=name, **options)
        self._on_publish_error, self._logger = on_publish_error, logger
        self._unpublished: dict[str, int] = {}  # number since the last success, by the error's name

    @property
    def client(self) -> AsyncClient:
        """This worker's client, for `client.status` and `client.counters`. Raises RuntimeError before `on_startup`."""
        client = self._feed.client
        if client is None:
            raise RuntimeError("Backend not yet initialized. Did you forget to call on_startup?")
        return client

    async def on_startup(self) -> None:
        """Begins to connect. Does not wait for a relay, and does not fail without one."""
        self._feed.start()

    async def on_shutdown(self) -> None:
        """Waits for outstanding answers, and ends the connection."""
        await self._feed.stop()

    async def publish(self, data: bytes, channels: Iterable[str]) -> None:
        """Publishes to all `channels`. Each publish may fail independently; the first error is raised.

        In the task that publishes for `ChannelsPlugin.publish` it does not raise: errors are logged, and passed to
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
            self._logger.warning("published again; failed before: %s", _counts(self._unpublished))
            self._unpublished.clear()

    async def subscribe(self, channels: Iterable[str]) -> None:
        """Returns once the subscription is in force, or is held and comes into force later; then a Gap follows.

        Raises Refused, Limit, Invalid. Since the plugin counts itself as subscribed even then, refused channels are
        asked for again from time to time.
        """
        await self._feed.subscribe(self.client, channels, keep=True)

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        """After this no event of `channels` comes."""
        await self._feed.unsubscribe(self.client, channels)

    async def stream_events(self) -> AsyncGenerator[tuple[str, bytes], None]:
        """Yields the channel and payload of each event. In an outage it does not raise, and it continues after that."""
        _ = self.client  # raises before on_startup
        while True:
            message = await self._feed.next()
            if message is None:
                return
            yield message.channel, message.payload

    async def get_history(self, channel: str, limit: Optional[int] = None) -> list[bytes]:
        """Not implemented: like Litestar's own pub/sub backends, this one keeps no history. Read it from your own
        storage."""
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
    """Whether nobody would catch an exception here. True also if the plugin has no task of this name, since the task
    may have another name then."""
    if not hasattr(ChannelsPlugin, _WORKER):
        return True
    task = asyncio.current_task()
    return task is not None and getattr(task.get_coro(), "__name__", "") == _WORKER
