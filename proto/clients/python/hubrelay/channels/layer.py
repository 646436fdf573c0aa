"""The channel layer that Channels makes from CHANNEL_LAYERS, for all event loops and threads of the process."""
import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from collections.abc import Mapping
from typing import Any, Optional, Union

from asgiref.sync import AsyncToSync
from channels.exceptions import InvalidChannelLayerError, MessageTooLarge
from channels.layers import BaseChannelLayer

from ..addresses import SCHEME, path_of
from ..asyncio_client import AsyncClient
from ..blocking_client import Client
from ..errors import Invalid
from ..frames import Status
from ..names import checked_name
from ..options import DEFAULT_PATH, Options
from .loops import SEPARATOR, LoopLayer
from .serializers import Keys, registry

#: The maximum number of threads in which code under `async_to_sync` publishes.
PUBLISHING_THREADS = 64


class HubrelayChannelLayer(BaseChannelLayer):
    """A channel layer that uses the relay beside the app server
    (https://channels.readthedocs.io/en/latest/channel_layer_spec.html).

    Each event loop has its own connection, which ends with the loop; all threads with synchronous code share another
    one. No connection is made before it is needed, and the layer starts without a relay, too.

    `send` and `group_send`, and their synchronous forms, return when Redis has taken the message. They raise hubrelay's
    NotConnected, Interrupted or Refused, and Channels' MessageTooLarge; for a name that the relay cannot take they
    raise TypeError. The constructor raises InvalidChannelLayerError for wrong settings.
    """

    extensions = ["groups", "flush"]

    def __init__(self, path: "Union[str, os.PathLike[str]]" = DEFAULT_PATH, prefix: str = "asgi", *,
                 name: str = "channels", expiry: float = 60, group_expiry: Optional[float] = 86400, capacity: int = 100,
                 channel_capacity: Optional[Mapping[Any, int]] = None, serializer_format: str = "msgpack",
                 symmetric_encryption_keys: Keys = None, on_gap: Optional[str] = None,
                 on_disconnect: Optional[str] = None, on_reconnect: Optional[str] = None,
                 hubrelay_options: Optional[Mapping[str, Any]] = None, **unknown: Any) -> None:
        _check_unknown(unknown)
        _check_texts(prefix=prefix, name=name, on_gap=on_gap or "", on_disconnect=on_disconnect or "",
                     on_reconnect=on_reconnect or "")
        super().__init__(expiry=expiry, capacity=capacity)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        self.path, self.prefix, self.group_expiry = _checked_path(path), prefix, group_expiry
        self.on_gap, self.on_disconnect, self.on_reconnect = on_gap, on_disconnect, on_reconnect
        _check_numbers(expiry=expiry, group_expiry=group_expiry, capacity=capacity,
                       **{f"channel_capacity of {pattern.pattern}": each for pattern, each in self.channel_capacity})
        self.address_prefix = f"{prefix}__local__"
        self._serializer = registry.get_serializer(serializer_format, symmetric_encryption_keys)
        self._layers: dict[asyncio.AbstractEventLoop, LoopLayer] = {}
        self.hubrelay_options = {"name": name, **_checked_options(hubrelay_options or {})}
        try:
            self._client = Client(self.path, **self.hubrelay_options)
        except Invalid as error:
            raise InvalidChannelLayerError(str(error)) from error
        self._lock = threading.Lock()
        self._threads: tuple[int, Optional[ThreadPoolExecutor]] = (0, None)  # the process's id, and its threads

    # The specification's methods

    async def send(self, channel: str, message: Any) -> None:
        """Sends to a channel."""
        await self._publish(*self._addressed(channel, message))

    async def receive(self, channel: str) -> Any:
        """The next message of the channel. In this process each message goes to only one of the callers that wait. If
        several processes receive from a normal channel, each process gets every message."""
        return await self._get_layer().receive(channel)

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Makes a channel that only this event loop receives from."""
        return await self._get_layer().new_channel(prefix)

    async def group_add(self, group: str, channel: str) -> None:
        """Adds a channel of this event loop to a group. Raises RuntimeError for any other channel, and Refused."""
        await self._get_layer().group_add(self._subscription_of_group(group), channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Removes the channel from the group, if it is in it."""
        self._get_layer().group_discard(self._subscription_of_group(group), channel)

    async def group_send(self, group: str, message: Any) -> None:
        """Sends to all channels in a group."""
        await self._publish(self._subscription_of_group(group), self.serialize(message))

    async def flush(self) -> None:
        """Forgets the messages, channels and groups of this event loop, and ends its connection. Other processes keep
        theirs."""
        await self._get_layer().flush()

    @property
    def status(self) -> Optional[Status]:
        """The last Status of the connection by which `send` and `group_send` would publish here: the one of the running
        event loop. For synchronous code, and for all code under gevent or eventlet, it is the connection that all
        threads share. None until the first attempt of that connection to connect has succeeded or failed."""
        client: Union[AsyncClient, Client] = self._client
        loop = None if _has_greenlets() else _running_loop()
        if loop is None or self._is_left_to_threads(loop):
            self._client._notice_fork()  # else the parent's Status would stay if this process never sends
        elif loop in self._layers:
            client = self._layers[loop].client
        else:
            return None
        return client._core.status if client._core.was_told else None

    # For synchronous code, without an event loop

    def send_sync(self, channel: str, message: Any, timeout: Optional[float] = None) -> None:
        """`send` for synchronous code, in any thread in which no event loop runs; in others it raises RuntimeError.
        After `timeout` seconds it raises Interrupted, since the message may be delivered, or Congested if it was not
        sent."""
        _check_no_loop("send")
        self._publish_sync(*self._addressed(channel, message), timeout=timeout)

    def group_send_sync(self, group: str, message: Any, timeout: Optional[float] = None) -> None:
        """`group_send` for synchronous code; see `send_sync`."""
        _check_no_loop("group_send")
        self._publish_sync(self._subscription_of_group(group), self.serialize(message), timeout=timeout)

    # Messages and names

    def serialize(self, message: Any) -> bytes:
        """The message as it is published."""
        return self._serializer.serialize(message)  # type: ignore[no-any-return]

    def deserialize(self, message: bytes) -> Any:
        """The message, from the bytes that were published."""
        return self._serializer.deserialize(message)

    def subscription_of(self, channel: str) -> str:
        """The relay's channel that carries messages to this channel. All process-specific channels of a loop share
        one."""
        _check_type(channel, "channel")
        if "!" in channel:
            return _checked(f"{self.address_prefix}{channel[:channel.index('!')][-32:]}", "channel")
        return _checked(f"{self.prefix}{channel}", "channel")

    def _subscription_of_group(self, group: str) -> str:
        """The name that channels_redis uses, so that its workers and those of this layer can work together."""
        _check_type(group, "group")
        return _checked(f"{self.prefix}__group__{group}", "group")

    def _addressed(self, channel: str, message: Any) -> tuple[str, bytes]:
        subscription, data = self.subscription_of(channel), self.serialize(message)
        return subscription, b"".join((channel.encode(), SEPARATOR, data)) if "!" in channel else data

    # Publishing

    async def _publish(self, subscription: str, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if self._is_left_to_threads(loop):
            await loop.run_in_executor(self._executor(), self._publish_sync, subscription, data)
            return
        try:
            await self._get_layer().publish(subscription, data)
        except Invalid as error:
            raise _too_large(error) from error

    def _is_left_to_threads(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether async_to_sync made this loop, perhaps for only one call, and it has no connection of its own yet."""
        return loop in AsyncToSync.loop_thread_executors and loop not in self._layers

    def _publish_sync(self, subscription: str, data: bytes, timeout: Optional[float] = None) -> None:
        try:
            self._client.publish(subscription, data, timeout=timeout)
        except Invalid as error:
            raise _too_large(error) from error

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            pid, threads = self._threads
            if threads is None or pid != os.getpid():  # after a fork the threads exist only in the parent
                threads = ThreadPoolExecutor(PUBLISHING_THREADS, "hubrelay-channels")
                self._threads = os.getpid(), threads
            return threads

    # Event loops

    def _get_layer(self) -> LoopLayer:
        loop = asyncio.get_running_loop()
        layer = self._layers.get(loop)
        if layer is None:
            layer = self._layers[loop] = LoopLayer(self, loop)
            self._close_with(loop)
        return layer

    def _close_with(self, loop: asyncio.AbstractEventLoop) -> None:
        """Makes the connection end with the loop. Nothing else reports that a loop is closed."""
        close = loop.close

        def close_both() -> None:
            loop.close = close  # type: ignore[method-assign]
            layer = self._layers.pop(loop, None)
            if layer is not None and not loop.is_running() and _running_loop() is None:
                loop.run_until_complete(layer.close())
            close()
            if layer is not None:
                layer.client._forked()  # closes what is left, without a loop
        loop.close = close_both  # type: ignore[method-assign]


def _running_loop() -> Optional[asyncio.AbstractEventLoop]:
    """The event loop that runs in this thread, if there is one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _has_greenlets() -> bool:
    """Whether gevent or eventlet has patched this process. If so, a loop of another greenlet seems to run here."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    return bool((gevent and gevent.is_module_patched("socket")) or (eventlet and eventlet.is_monkey_patched("socket")))


def _check_no_loop(method: str) -> None:
    if _running_loop() is not None and not _has_greenlets():
        raise RuntimeError(f"{method}_sync would hold up the event loop that runs in this thread: await {method}")


def _check_type(name: str, what: str) -> None:
    if not isinstance(name, str) or not name:
        raise TypeError(f"the {what}'s name must be a str that is not empty, not {name!r}")


def _checked(subscription: str, what: str) -> str:
    """Checks that the relay takes the name. Like channels_redis' pub/sub layer, it accepts more names than the
    specification does."""
    try:
        checked_name(subscription)
    except Invalid as error:
        raise TypeError(f"not a valid {what} name: with the prefix, {error.detail}") from error
    return subscription


def _checked_path(path: "Union[str, os.PathLike[str]]") -> str:
    path = os.fspath(path)
    try:
        return path_of(path) if path.startswith(f"{SCHEME}:") else path
    except ValueError as error:
        raise InvalidChannelLayerError(str(error)) from error


def _check_unknown(options: Mapping[str, Any]) -> None:
    if "hosts" in options:
        raise InvalidChannelLayerError("'hosts' is an option of channels_redis. The relay knows where Redis is; "
                                       "'path' is the relay's socket")
    for name in options:
        raise InvalidChannelLayerError(f"{name!r} is not an option of HubrelayChannelLayer")


def _checked_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {field.name for field in fields(Options)}
    for name in options:
        if name not in known:
            raise InvalidChannelLayerError(f"{name!r} in hubrelay_options is not a field of hubrelay.Options")
    return options


def _check_texts(**texts: Any) -> None:
    for name, value in texts.items():
        if not isinstance(value, str):
            raise InvalidChannelLayerError(f"{name} must be a str, not {value!r}")


def _check_numbers(**numbers: Any) -> None:
    for name, value in numbers.items():
        if name == "group_expiry" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise InvalidChannelLayerError(f"{name} must be a number above 0, not {value!r}")


def _too_large(error: Invalid) -> MessageTooLarge:
    return MessageTooLarge(f"{error.detail}. Send less, or raise --max-payload of every relay")
