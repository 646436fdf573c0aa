"""The client for asyncio: sockets, one timer and futures around the Core."""
import asyncio
import logging
import os
import socket
import time
import weakref
from collections.abc import Iterable
from typing import Any, Callable, Optional, Union

from .asyncio_streams import EventStream, Subscription
from .connections import Action
from .core import Core
from .errors import Closed, HubrelayError, NotConnected
from .frames import Outcome, Status
from .link import Link
from .names import several
from .options import DEFAULT_PATH, LOGGER, Counters, Hooks, Options, Payload
from .sockets import READ_BYTES, connect, has_hung_up, why_ended, why_not_connected


class AsyncClient:
    """A connection to the relay that reconnects by itself, for one asyncio event loop. Not thread-safe.

    It connects at its first use, or by `connect`. It also starts without a relay. `options` are the fields of Options.
    Raises Invalid for a `name` of more than 64 bytes of UTF-8, TypeError for an unknown option.

    After a fork, this object is a new client in the child: it has no subscriptions, and connects at its first use.
    """

    def __init__(self, path: "Union[str, os.PathLike[str]]" = DEFAULT_PATH, name: str = "", *,
                 logger: logging.Logger = LOGGER, counters: Optional[Counters] = None, hooks: Optional[Hooks] = None,
                 connector: Callable[[str], socket.socket] = connect, **options: Any) -> None:
        self.path, self.name = os.fspath(path), name
        self._options, self._logger, self._hooks, self._connector = Options(**options), logger, hooks, connector
        self.counters = counters or Counters()
        self._set_up()
        _CLIENTS.add(self)

    def _set_up(self) -> None:
        self._pid = os.getpid()
        self._core = Core(self.name, self._options, self.counters, self._logger)
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._sockets: dict[Link, socket.socket] = {}
        self._blocked: dict[Link, bool] = {}  # the links whose sockets take no more bytes at present
        self._timer: Optional[asyncio.TimerHandle] = None
        self._is_turn_due = False
        #: Status, Gap, Loss and Revoked, and the Messages of `subscribe`.
        self.events = EventStream(self, self._core.events)

    # The public API

    def connect(self) -> None:
        """Begins to connect, in the running loop. This call is optional: the first use connects, too."""
        self._begin_if_needed()

    async def ready(self, timeout: Optional[float] = None) -> None:
        """Waits until a relay has sent Welcome. Raises NotConnected after `timeout` seconds; its text says what is
        wrong."""
        waiter = self._begin()
        self._core.ready(waiter)
        try:
            done, _ = await asyncio.wait({waiter}, timeout=timeout)
            if not done:
                raise NotConnected(self._core.why_not_ready)
            waiter.result()
        finally:
            waiter.cancel()
            self._core.give_up_ready(waiter)

    @property
    def status(self) -> Status:
        """The last Status; `connected` is false and `cause` NO_RELAY while there is no connection to a relay."""
        return self._core.status

    @property
    def features(self) -> tuple[str, ...]:
        """The features of the relay that the client was connected to last: "patterns", ..."""
        return self._core.features

    async def publish(self, channel: str, payload: Payload, *, wait: bool = True) -> int:
        """Publishes, and returns how many subscriptions at Redis received the message. These are relays, not workers.

        Waits while too much is unsent or unanswered; with `wait=False` it raises Congested then. Raises NotConnected,
        Interrupted, Refused, Invalid, Unknown, Closed. If its caller is cancelled, it is unknown whether the message
        is delivered.
        """
        if self._hooks is not None:
            return await self._publish_with_hooks(self._hooks, channel, payload, wait)
        waiter = self._begin()
        try:
            self._core.publishing.publish(channel, payload, waiter, wait)
            self._turn_soon()
            return await waiter  # type: ignore[no-any-return]
        except HubrelayError as error:
            self.counters.fail(error)
            raise

    def send(self, channel: str, payload: Payload) -> None:
        """Publishes without a Reply: a later loss is reported in a Loss. Raises NotConnected, Invalid, Congested."""
        context = self._hooks.before_publish(channel, payload) if self._hooks is not None else None
        error: Optional[HubrelayError] = None
        try:
            self._begin_if_needed()
            self._core.publishing.send(channel, payload)
            self._turn_soon()
        except HubrelayError as failure:
            error = failure
            self.counters.fail(failure)
            raise
        finally:
            if self._hooks is not None:
                self._hooks.after_publish(context, None, error)

    def listen(self, *channels: str, patterns: Iterable[str] = ()) -> Subscription:
        """A Subscription with its own queue. Several may listen to one channel; the relay is asked only once.

        Opening it raises Refused, Limit, Invalid, Unknown, Closed. Without a relay its outcome is PENDING.
        """
        return Subscription(self, channels, several(patterns))

    def listen_pattern(self, *patterns: str) -> Subscription:
        """`listen` for patterns only. Raises Invalid where `features` lacks "patterns"."""
        return Subscription(self, (), patterns)

    async def subscribe(self, *channels: str, patterns: Iterable[str] = ()) -> Outcome:
        """For callers that keep track of their subscriptions themselves: the messages come in `events`. Returns OK, or
        PENDING if it comes into force only once there is a relay that receives. Raises Refused, Limit, Invalid,
        Unknown, Closed; then nothing was subscribed to."""
        waiter = self._begin()
        self._core.subscribing.subscribe(channels, patterns, waiter)
        self._turn_soon()
        return await waiter  # type: ignore[no-any-return]

    async def unsubscribe(self, *channels: str, patterns: Iterable[str] = ()) -> Outcome:
        """After this no message of these names comes in `events`. Raises Invalid, Closed."""
        waiter = self._begin()
        self._core.subscribing.unsubscribe(channels, patterns, waiter)
        self._turn_soon()
        return await waiter  # type: ignore[no-any-return]

    async def ping(self, *, settled: bool = False) -> None:
        """Returns once the relay has answered. With `settled`, it answers once everything that was published before is
        answered, or reported in a Loss. Raises NotConnected, Interrupted; Invalid where `features` lacks "settled"."""
        waiter = self._begin()
        self._core.ping(waiter, settled)
        self._turn_soon()
        await waiter

    async def close(self, drain: Optional[float] = None) -> None:
        """Closes the client. It first waits for outstanding Replies, for up to `drain` seconds. Idempotent."""
        self._notice_fork()
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        waiter = self._loop.create_future()
        self._core.close(drain, waiter)
        self._turn()
        await waiter

    async def __aenter__(self) -> "AsyncClient":
        self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # Requests

    def _begin_if_needed(self) -> None:
        self._notice_fork()
        if self._core.is_closing:
            raise Closed("the client is closed")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._core.start()
            self._turn()

    def _begin(self) -> "asyncio.Future[Any]":
        """Starts the client if needed, and returns the future that the request will settle."""
        if self._loop is None or self._core.is_closing or os.getpid() != self._pid:
            self._begin_if_needed()
        return self._waiter()

    def _waiter(self) -> "asyncio.Future[Any]":
        return (self._loop or asyncio.get_running_loop()).create_future()

    async def _publish_with_hooks(self, hooks: Hooks, channel: str, payload: Payload, wait: bool) -> int:
        context = hooks.before_publish(channel, payload)
        receivers, error = None, None
        try:
            waiter = self._begin()
            self._core.publishing.publish(channel, payload, waiter, wait)
            self._turn_soon()
            receivers = await waiter
            return receivers  # type: ignore[no-any-return]
        except BaseException as failure:
            error = failure
            if isinstance(failure, HubrelayError):
                self.counters.fail(failure)
            raise
        finally:
            hooks.after_publish(context, receivers, error)

    # Sockets and the timer

    def _requested(self) -> None:
        link = self._core.link
        if link is not None and not link.is_reading:
            self._core.consider_reading()
            self._turn_soon()

    def _turn_soon(self) -> None:
        """Calls `_turn` at the end of this turn of the loop, so that all requests made in it are written at once."""
        if not self._is_turn_due and self._loop is not None:
            self._is_turn_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Performs the core's actions after an input, writes, and sets the timer."""
        self._is_turn_due = False
        core = self._core
        core.requested()
        while core.actions:
            action, link = core.actions.pop(0)
            if action is Action.OPEN:
                self._open(link)
            elif action is Action.CLOSE:
                self._close(link)
            elif action is Action.READING:
                self._set_reading(link)
            elif link in self._sockets and has_hung_up(self._sockets[link]):
                self._read_to_end(link, "the relay closed the connection")
        for link in list(self._sockets):
            if (link.unsent and link not in self._blocked) or (link.shut_when_written and not link.is_shut):
                self._write(link)
        if core.actions:
            self._turn_soon()
        if core.timers.has_changed:
            self._set_timer()

    def _open(self, link: Link) -> None:
        try:
            opened = self._connector(self.path)
        except Exception as error:  # a connector of the application may raise anything
            self._core.failed(link, why_not_connected(error))
            return
        self._sockets[link] = opened
        assert self._loop is not None
        self._loop.add_reader(opened.fileno(), self._read, link)
        self._core.opened(link)

    def _close(self, link: Link) -> None:
        opened = self._sockets.pop(link, None)
        if opened is not None and self._loop is not None:
            self._loop.remove_reader(opened.fileno())
            if self._blocked.pop(link, None):
                self._loop.remove_writer(opened.fileno())
            opened.close()

    def _set_reading(self, link: Link) -> None:
        opened = self._sockets.get(link)
        if opened is None or self._loop is None:
            return
        if link.is_reading:
            self._loop.add_reader(opened.fileno(), self._read, link)
        else:
            self._loop.remove_reader(opened.fileno())

    def _read(self, link: Link) -> None:
        opened = self._sockets.get(link)
        if opened is None:
            return
        try:
            data = opened.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._core.ended(link, why_ended(error))
        else:
            if data:
                self._core.received(link, data)
            else:
                self._core.ended(link, "the relay closed the connection")
        if not self._is_turn_due:
            self._turn()

    def _write(self, link: Link) -> None:
        opened = self._sockets.get(link)
        if opened is None or self._loop is None:
            return
        try:
            while link.unsent:
                link.wrote(opened.send(link.to_write()))
            if self._blocked.pop(link, None):
                self._loop.remove_writer(opened.fileno())
            if link.shut_when_written and not link.is_shut:
                link.is_shut = True
                opened.shutdown(socket.SHUT_WR)
        except (BlockingIOError, InterruptedError):
            if not self._blocked.get(link):
                self._blocked[link] = True
                self._loop.add_writer(opened.fileno(), self._writable, link)
        except OSError as error:
            # First reads what the relay sent before it closed the connection; then the connection ends.
            self._read_to_end(link, why_ended(error))

    def _writable(self, link: Link) -> None:
        self._write(link)
        self._core.wrote()
        self._turn()

    def _read_to_end(self, link: Link, why: str) -> None:
        opened = self._sockets.get(link)
        try:
            while opened is not None and not link.is_ended:
                data = opened.recv(READ_BYTES)
                if not data:
                    break
                self._core.received(link, data)
        except OSError:
            pass
        self._core.ended(link, why)
        self._turn_soon()

    def _set_timer(self) -> None:
        self._core.timers.has_changed = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._core.timers.deadline
        if deadline is not None and self._loop is not None:
            now = time.monotonic()
            self._timer = self._loop.call_later(max(0.0, deadline - now), self._tick)

    def _tick(self) -> None:
        self._timer = None
        silent = self._core.give_up_candidate(time.monotonic())
        if silent is not None:
            self._read(silent)
        self._core.tick(time.monotonic())
        self._turn()

    def _notice_fork(self) -> None:
        """Notices, at the client's first use, a fork that did not run Python's fork hooks, as in uWSGI."""
        if os.getpid() != self._pid:
            self._forked()

    def _forked(self) -> None:
        """Runs in the child. The sockets and the loop are the parent's: closes the child's copies of the sockets, and
        notifies neither the relay nor the loop."""
        for opened in self._sockets.values():
            os.close(opened.detach())
        self._core.abandoned()
        self.counters = Counters()
        self._set_up()


_CLIENTS: "weakref.WeakSet[AsyncClient]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for client in list(_CLIENTS):
        client._forked()


os.register_at_fork(after_in_child=_after_fork_in_child)
