"""Client managers for python-socketio through hubrelay, instead of its RedisManager and AsyncRedisManager.

    manager = hubrelay.socketio.AsyncHubrelayManager("hubrelay:///run/hubrelay/hubrelay.sock")
    sio = socketio.AsyncServer(client_manager=manager)

AsyncHubrelayManager is for AsyncServer, HubrelayManager for Server (threads, gevent, eventlet) and Flask-SocketIO.
They send the same JSON to the same Redis channel as RedisManager, so servers with either kind of manager work together
(https://python-socketio.readthedocs.io/en/stable/server.html#using-a-message-queue).
"""
import asyncio
import contextvars
import inspect
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from typing import Any, Callable, Optional, Union

try:
    from socketio.async_pubsub_manager import AsyncPubSubManager
    from socketio.pubsub_manager import PubSubManager
except ImportError as error:
    raise ImportError("hubrelay.socketio needs python-socketio 5.16.1 or newer: pip install 'python-socketio>=5.16.1'",
                      name=error.name) from error

from .addresses import path_of
from .asyncio_client import AsyncClient
from .blocking_client import Client
from .errors import Closed, HubrelayError, Invalid
from .frames import Cause, Gap, Loss, Message, Revoked, State, Status
from .hooks import result_of
from .loops import LoopClients
from .queues import Event
from .telling import no_relay

__all__ = ["AsyncHubrelayManager", "HubrelayManager"]

DEFAULT_URL = "hubrelay:///run/hubrelay/hubrelay.sock"

#: Seconds between attempts to subscribe after Redis has refused the channel.
RETRY = 5.0

#: True inside on_publish_error. If an emit in it fails, too, the hook is not called again: that could go on forever.
_IS_TELLING: "contextvars.ContextVar[bool]" = contextvars.ContextVar("hubrelay.socketio", default=False)

_HOOKS = ("on_status", "on_gap", "on_loss", "on_publish_error")

_Hook = Optional[Callable[..., Optional[Awaitable[None]]]]


class _Ended(BaseException):
    """Raised when the manager is closed, to end the listening thread, which treats any other end as an error."""


class _Telling:
    """The common part of both managers: settings, hooks, and logging.

    Hooks do nothing by default. They are given to the constructor, assigned, or overridden; those of
    AsyncHubrelayManager may be coroutine functions. They are called one at a time, and messages of other servers wait
    meanwhile: start long work by `start_background_task` of the server. Exceptions that they raise are logged.
    """

    server: Any
    channel: str
    host_id: str
    json: Any
    write_only: bool
    _get_logger: Callable[[], Any]

    def __init__(self, url: str = DEFAULT_URL, channel: str = "socketio", write_only: bool = False, logger: Any = None,
                 json: Any = None, *, raise_errors: bool = False, on_status: _Hook = None, on_gap: _Hook = None,
                 on_loss: _Hook = None, on_publish_error: _Hook = None,
                 hubrelay_options: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(channel=channel, write_only=write_only, logger=logger, json=json)  # type: ignore[call-arg]
        self.path = path_of(url)
        self.raise_errors = raise_errors
        self.hubrelay_options = {"name": "python-socketio", **(hubrelay_options or {})}
        for name, hook in zip(_HOOKS, (on_status, on_gap, on_loss, on_publish_error)):
            if hook is not None:
                setattr(self, name, hook)
        self._pid = os.getpid()
        self._is_down = False  # the path is down, and this was logged, here or at the first failed publish
        self._is_failing = False  # publishes fail, and this was logged
        self._is_refused = False  # the channel is refused, and this was logged
        self._is_closed = False
        self._make_clients()

    def _make_clients(self) -> None:
        raise NotImplementedError

    def on_status(self, status: Status) -> Any:
        """The state of the path through Redis and back has changed: `status.state`, `publishing`, `receiving`,
        `reason`."""

    def on_gap(self, gap: Gap) -> Any:
        """Messages of other servers may have been missed: clients of this process should read again from storage."""

    def on_loss(self, loss: Loss) -> Any:
        """`loss.messages` messages of other servers were dropped, since this process did not take them in time. A Gap
        follows."""

    def on_publish_error(self, error: HubrelayError, message: dict[str, Any]) -> Any:
        """`message` has not reached other servers; after Interrupted, it may have. It has python-socketio's form:
        `message["method"]` is "emit", "callback", "disconnect", ... If an emit in this hook fails, too, the hook is
        not called for that."""

    def _new_host_after_fork(self) -> None:
        """Servers recognize their own messages by `host_id`, so each worker that a master has forked needs a new
        one."""
        if os.getpid() != self._pid:
            self._pid, self.host_id = os.getpid(), uuid.uuid4().hex

    def _encoded(self, message: dict[str, Any]) -> Union[str, bytes]:
        try:
            return self.json.dumps(message)  # type: ignore[no-any-return]
        except Exception as error:  # a JSON module of the application may raise anything
            raise Invalid(f"it cannot be written as JSON: {error}") from error

    def _is_own(self, message: dict[str, Any]) -> bool:
        """Whether this process made the message. python-socketio delivers it here before it publishes it."""
        return message.get("host_id") == self.host_id

    def _raises(self, message: dict[str, Any]) -> bool:
        """Whether to raise the failure of this publish. The answer of a client has no caller that could handle it."""
        return self.raise_errors and message["method"] != "callback"

    def _log_failure(self, error: HubrelayError, message: dict[str, Any]) -> None:
        what = f"{message['method']} {message.get('event', '')!r}" if "event" in message else message["method"]
        if isinstance(error, Invalid):
            advice = "" if "this relay takes" not in error.detail else (
                "; start every relay with a larger --max-payload, or send less (binary data grows by a third, since "
                "python-socketio sends it as base64)")
            self._get_logger().error(f"hubrelay: cannot publish {what} to other servers: {error}{advice}")
        elif not self._is_failing:
            self._is_failing = True
            if not self._is_down:
                self._get_logger().error(
                    f"hubrelay: cannot publish {what} to other servers: {error} ({type(error).__name__}); what fails "
                    f"from now on is not logged, but given to on_publish_error")

    def _log_published(self) -> None:
        if not self._is_down:  # else UP is logged
            self._is_failing = False
            self._get_logger().warning("hubrelay: publishes reach other servers again")

    def _log_status(self, status: Status) -> None:
        is_down = status.state != State.UP
        if is_down == self._is_down or status.cause in (Cause.STARTING, Cause.STOPPING):
            return  # nothing has failed yet: the relay has just started, or hands over to the next one
        self._is_down = is_down
        if is_down:
            if not self._is_failing:
                self._get_logger().error(
                    f"hubrelay: messages from and to other servers may be lost from now on: {status.reason}")
        else:
            self._is_failing = False
            self._get_logger().warning("hubrelay: messages reach other servers and come from them again")

    def _log_refused(self, detail: str) -> None:
        if not self._is_refused:
            self._is_refused = True
            self._get_logger().error(f"hubrelay: cannot listen to channel {self.channel!r}: {detail}; trying again "
                                     f"every {RETRY:g} s")

    def _granted(self) -> Optional[Gap]:
        """Handles that the channel is subscribed to. Returns a Gap if it was refused before."""
        was_refused, self._is_refused = self._is_refused, False
        return Gap((f"channel {self.channel!r} was refused",)) if was_refused else None

    def _hook_of(self, event: Event) -> Optional[Callable[..., Any]]:
        if isinstance(event, Status):
            self._log_status(event)
            return self.on_status
        return self.on_gap if isinstance(event, Gap) else self.on_loss if isinstance(event, Loss) else None


class AsyncHubrelayManager(_Telling, AsyncPubSubManager):
    """Client manager through hubrelay for asyncio servers, instead of AsyncRedisManager.

    :param url: `hubrelay:///path/of/the/relays.sock`; `hubrelay://` is `/run/hubrelay/hubrelay.sock`. Raises
                ValueError for anything else.
    :param channel: The same in all servers. On Redis it has the relay's prefix in front.
    :param write_only: For processes that only emit and are not servers, such as scripts. They may have several event
                       loops.
    :param logger: Used instead of the server's logger.
    :param json: For write-only processes: a module to use instead of the standard library's json.
    :param raise_errors: `emit` and the other methods raise a HubrelayError if other servers were not reached. An emit
                         goes to the clients of this process only after Redis has taken it. By default they do not
                         raise, and clients of this process get an emit in any case, as with AsyncRedisManager.
    :param on_status, on_gap, on_loss, on_publish_error: Hooks, which may be coroutine functions. In write-only
                         processes only on_publish_error is called.
    :param hubrelay_options: Further arguments of hubrelay.AsyncClient.
    """

    name = "hubrelay"

    def _make_clients(self) -> None:
        self._clients = LoopClients(lambda: AsyncClient(self.path, **self.hubrelay_options))
        self._listener: Optional[AsyncClient] = None

    @property
    def status(self) -> Status:
        """The state of the path, as last reported. A write-only process learns of changes only when it emits."""
        if self._listener is not None:
            return self._listener.status
        try:
            return self._clients.here().status
        except RuntimeError:  # no event loop runs
            return no_relay("not connected yet")

    def initialize(self) -> None:
        """Called by the server before the first client connects."""
        self._new_host_after_fork()
        super().initialize()

    async def close(self) -> None:
        """Waits for outstanding answers, and ends the connection to the relay. Use it at the end of a script or a
        test."""
        self._is_closed = True
        await self._clients.here().close()

    async def _publish(self, data: dict[str, Any]) -> Optional[int]:
        try:
            receivers = await self._clients.here().publish(self.channel, self._encoded(data))
        except HubrelayError as error:
            self._log_failure(error, data)
            if not _IS_TELLING.get():
                token = _IS_TELLING.set(True)
                try:
                    await self._call(self.on_publish_error, error, data)
                finally:
                    _IS_TELLING.reset(token)
            if self._raises(data):
                raise
            return None
        if self._is_failing:
            self._log_published()
        if self.raise_errors and data["method"] == "emit":
            await super()._handle_emit(data)
        return receivers

    async def _handle_emit(self, message: dict[str, Any]) -> None:
        if not self.raise_errors or not self._is_own(message):
            await super()._handle_emit(message)

    async def _listen(self) -> AsyncIterator[bytes]:
        self._listener = client = self._clients.here()
        asking = self.server.start_background_task(self._subscribe, client)
        try:
            async for event in client.events:
                if type(event) is Message:
                    yield event.payload
                elif isinstance(event, Revoked):
                    self._log_refused(event.detail)
                    asking.cancel()
                    asking = self.server.start_background_task(self._subscribe, client, RETRY)
                else:
                    await self._tell(event)
            if self._is_closed:
                raise _Ended
        finally:
            asking.cancel()

    async def _thread(self) -> None:
        try:
            await super()._thread()
        except _Ended:
            pass

    async def _subscribe(self, client: AsyncClient, delay: float = 0) -> None:
        """Subscribes, and retries until it is granted. Without a relay it is granted; it is in force once there is
        one."""
        await asyncio.sleep(delay)
        while True:
            try:
                await client.subscribe(self.channel)
                gap = self._granted()
                if gap:
                    await self._tell(gap)
                return
            except Closed:
                return
            except HubrelayError as error:
                self._log_refused(str(error))
                await asyncio.sleep(RETRY)

    async def _tell(self, event: Event) -> None:
        hook = self._hook_of(event)
        if hook is not None:
            await self._call(hook, event)

    async def _call(self, hook: Callable[..., Any], *arguments: Any) -> None:
        try:
            await result_of(hook, *arguments)
        except Exception:
            self._get_logger().exception("hubrelay: a hook has failed")


class HubrelayManager(_Telling, PubSubManager):
    """Client manager through hubrelay for threads, gevent and eventlet, instead of RedisManager.

    If the server uses gevent or eventlet, it needs their monkey patching. Thread-safe, and usable after a fork. Its
    arguments are those of AsyncHubrelayManager; `hubrelay_options` are arguments of hubrelay.Client.
    """

    name = "hubrelay"

    def _make_clients(self) -> None:
        for name in _HOOKS:
            if inspect.iscoroutinefunction(getattr(self, name)):
                raise TypeError(f"{name} is a coroutine function; HubrelayManager calls only plain functions")
        self._client = Client(self.path, **self.hubrelay_options)

    @property
    def status(self) -> Status:
        """The state of the path, as last reported. A write-only process learns of changes only when it emits."""
        return self._client.status

    def initialize(self) -> None:
        """Called by the server before the first client connects. Raises RuntimeError without monkey patching."""
        mode = self.server.async_mode if self.server is not None else "threading"  # write-only: of any kind
        is_patched = True
        if mode == "eventlet":
            from eventlet.patcher import is_monkey_patched
            is_patched = is_monkey_patched("socket")
        elif "gevent" in mode:
            from gevent.monkey import is_module_patched
            is_patched = is_module_patched("socket")
        if not is_patched:
            raise RuntimeError(f"hubrelay needs monkey patching under {mode}: call eventlet.monkey_patch() or "
                               f"gevent.monkey.patch_all() before anything else is imported")
        self._new_host_after_fork()
        super().initialize()

    def close(self) -> None:
        """Waits for outstanding answers, and ends the connection to the relay. Use it at the end of a script or a
        test."""
        self._is_closed = True
        self._client.close()

    def _publish(self, data: dict[str, Any]) -> Optional[int]:
        try:
            receivers = self._client.publish(self.channel, self._encoded(data))
        except HubrelayError as error:
            self._log_failure(error, data)
            if not _IS_TELLING.get():
                token = _IS_TELLING.set(True)
                try:
                    self._call(self.on_publish_error, error, data)
                finally:
                    _IS_TELLING.reset(token)
            if self._raises(data):
                raise
            return None
        if self._is_failing:
            self._log_published()
        if self.raise_errors and data["method"] == "emit":
            super()._handle_emit(data)
        return receivers

    def _handle_emit(self, message: dict[str, Any]) -> None:
        if not self.raise_errors or not self._is_own(message):
            super()._handle_emit(message)

    def _listen(self) -> Iterator[bytes]:
        self.server.start_background_task(self._subscribe)
        for event in self._client.events:
            if type(event) is Message:
                yield event.payload
            elif isinstance(event, Revoked):
                self._log_refused(event.detail)
                self.server.start_background_task(self._subscribe, RETRY)
            else:
                self._tell(event)
        if self._is_closed:
            raise _Ended

    def _thread(self) -> None:
        try:
            super()._thread()
        except _Ended:
            pass

    def _subscribe(self, delay: float = 0) -> None:
        """Subscribes, and retries until it is granted. Without a relay it is granted; it is in force once there is
        one."""
        if delay:
            self.server.sleep(delay)
        while True:
            try:
                self._client.subscribe(self.channel)
                gap = self._granted()
                if gap:
                    self._tell(gap)
                return
            except Closed:
                return
            except HubrelayError as error:
                self._log_refused(str(error))
                self.server.sleep(RETRY)

    def _tell(self, event: Event) -> None:
        hook = self._hook_of(event)
        if hook is not None:
            self._call(hook, event)

    def _call(self, hook: Callable[..., Any], *arguments: Any) -> None:
        try:
            hook(*arguments)
        except Exception:
            self._get_logger().exception("hubrelay: a hook has failed")
