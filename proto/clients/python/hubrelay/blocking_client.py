"""The client for threads, gevent and eventlet: sockets, a lock and waiting threads around the Core."""
import logging
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterable
from typing import Any, Callable, Optional, Union

from .blocking_streams import BlockingEventStream, BlockingSubscription
from .connections import Action
from .core import Core
from .errors import Closed, Congested, HubrelayError, Interrupted, NotConnected
from .frames import Outcome, Status
from .link import Link
from .names import several
from .options import DEFAULT_PATH, LOGGER, Counters, Hooks, Options, Payload
from .sockets import READ_BYTES, connect, has_hung_up, why_ended, why_not_connected
from .waiting import BlockingWaiter, Poller, Reading


_Write = tuple[Link, socket.socket, memoryview]


class Client:
    """A connection to the relay that reconnects by itself. Every method may be called by any thread.

    It connects at its first use, or by `connect`. It also starts without a relay. `options` are the fields of Options.
    Raises Invalid for a `name` of more than 64 bytes of UTF-8, TypeError for an unknown option.

    After a fork, this object is a new client in the child: it has no subscriptions, and connects at its first use.
    The client logs while it holds its lock, so handlers of the logger must not use this client.
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
        self._lock = threading.Lock()
        self._reading = Reading(self._lock, self._step)
        self._poller = Poller()
        self._sockets: dict[Link, socket.socket] = {}
        self._blocked: dict[Link, bool] = {}  # the links whose sockets take no more bytes at present
        self._broken: dict[Link, str] = {}  # the links that cannot be written to, and why
        self._writer: Optional[int] = None  # the thread that writes
        self._by_number: dict[int, Link] = {}
        self._has_interest_changed = True
        self._to_close: list[socket.socket] = []  # after the current write
        self._thread: Optional[threading.Thread] = None
        #: Status, Gap, Loss and Revoked, and the Messages of `subscribe`.
        self.events = BlockingEventStream(self, self._core.events)

    # The public API

    def connect(self) -> None:
        """Begins to connect. This call is optional: the first use connects, too."""
        self._notice_fork()
        with self._lock:
            self._begin()

    def ready(self, timeout: Optional[float] = None) -> None:
        """Waits until a relay has sent Welcome. Raises NotConnected after `timeout` seconds; its text says what is
        wrong."""
        self._notice_fork()
        waiter = BlockingWaiter()
        try:
            with self._lock:
                self._begin()
                self._core.ready(waiter)
            if not self._wait(waiter, timeout):
                raise NotConnected(self._core.why_not_ready)
            waiter.result()
        finally:
            with self._lock:
                self._core.give_up_ready(waiter)

    @property
    def status(self) -> Status:
        """The last Status; `connected` is false and `cause` NO_RELAY while there is no connection to a relay."""
        return self._core.status

    @property
    def features(self) -> tuple[str, ...]:
        """The features of the relay that the client was connected to last: "patterns", ..."""
        return self._core.features

    def publish(self, channel: str, payload: Payload, *, wait: bool = True, timeout: Optional[float] = None) -> int:
        """Publishes, and returns how many subscriptions at Redis received the message. These are relays, not workers.

        Waits while too much is unsent or unanswered; with `wait=False` it raises Congested then. Raises NotConnected,
        Interrupted, Refused, Invalid, Unknown, Closed. After `timeout` seconds it raises Congested if nothing was
        sent, else Interrupted, since the message may be delivered.
        """
        if self._hooks is not None:
            return self._publish_with_hooks(self._hooks, channel, payload, wait, timeout)
        return self._publish(channel, payload, wait, timeout)

    def _publish(self, channel: str, payload: Payload, wait: bool, timeout: Optional[float]) -> int:
        if os.getpid() != self._pid:
            self._notice_fork()
        waiter = BlockingWaiter()
        try:
            with self._lock:
                if self._thread is None or self._core.is_closing:
                    self._begin()
                self._core.publishing.publish(channel, payload, waiter, wait)
                if self._core.actions or (self._core.link is not None and not self._core.link.is_reading):
                    self._requested()
                chosen = self._begin_to_write()
            if chosen is not None:
                self._write(chosen)
            if not self._wait(waiter, timeout):
                raise self._given_up(waiter, timeout)
            return waiter.result()  # type: ignore[no-any-return]
        except HubrelayError as error:
            self.counters.fail(error)
            raise
        except BaseException:
            self._writing_interrupted()
            raise

    def _publish_with_hooks(self, hooks: Hooks, channel: str, payload: Payload, wait: bool,
                            timeout: Optional[float]) -> int:
        context = hooks.before_publish(channel, payload)
        receivers, error = None, None
        try:
            receivers = self._publish(channel, payload, wait, timeout)
            return receivers
        except BaseException as failure:
            error = failure
            raise
        finally:
            hooks.after_publish(context, receivers, error)

    def send(self, channel: str, payload: Payload) -> None:
        """Publishes without a Reply: a later loss is reported in a Loss. Raises NotConnected, Invalid, Congested."""
        self._notice_fork()
        context = self._hooks.before_publish(channel, payload) if self._hooks is not None else None
        error: Optional[HubrelayError] = None
        try:
            with self._lock:
                self._begin()
                self._core.publishing.send(channel, payload)
                self._requested()
            self._flush()
        except HubrelayError as failure:
            error = failure
            self.counters.fail(failure)
            raise
        finally:
            if self._hooks is not None:
                self._hooks.after_publish(context, None, error)

    def listen(self, *channels: str, patterns: Iterable[str] = (),
               timeout: Optional[float] = None) -> BlockingSubscription:
        """A subscription with its own queue. Several may listen to one channel; the relay is asked only once.

        Without a relay its outcome is PENDING. Raises Refused, Limit, Invalid, Unknown, Closed; Interrupted after
        `timeout` seconds. If it raises, there is no subscription.
        """
        self._notice_fork()
        subscription = BlockingSubscription(self, channels, several(patterns))
        try:
            subscription.outcome = self._ask(lambda waiter: self._core.subscribing.listen(
                subscription, channels, subscription.patterns, waiter), timeout)
        except BaseException:
            subscription.close()
            raise
        return subscription

    def listen_pattern(self, *patterns: str) -> BlockingSubscription:
        """`listen` for patterns only. Raises Invalid where `features` lacks "patterns"."""
        return self.listen(patterns=patterns)

    def subscribe(self, *channels: str, patterns: Iterable[str] = (), timeout: Optional[float] = None) -> Outcome:
        """For callers that keep track of their subscriptions themselves: the messages come in `events`. Returns OK, or
        PENDING if it comes into force only once there is a relay that receives. Raises Refused, Limit, Invalid,
        Unknown, Closed; then nothing was subscribed to. Raises Interrupted after `timeout` seconds; then the outcome is
        unknown."""
        outcome: Outcome = self._ask(
            lambda waiter: self._core.subscribing.subscribe(channels, patterns, waiter), timeout)
        return outcome

    def unsubscribe(self, *channels: str, patterns: Iterable[str] = (), timeout: Optional[float] = None) -> Outcome:
        """After this no message of these names comes in `events`. Raises Invalid, Closed; Interrupted after `timeout`
        seconds."""
        outcome: Outcome = self._ask(
            lambda waiter: self._core.subscribing.unsubscribe(channels, patterns, waiter), timeout)
        return outcome

    def ping(self, *, settled: bool = False, timeout: Optional[float] = None) -> None:
        """Returns once the relay has answered. With `settled`, it answers once everything that was published before is
        answered, or reported in a Loss. Raises NotConnected; Interrupted, also after `timeout` seconds; Invalid where
        `features` lacks "settled"."""
        self._ask(lambda waiter: self._core.ping(waiter, settled), timeout)

    def close(self, drain: Optional[float] = None) -> None:
        """Closes the client. It first waits for outstanding Replies, for up to `drain` seconds. Idempotent."""
        self._notice_fork()
        waiter = BlockingWaiter()
        with self._lock:
            self._core.close(drain, waiter)
            self._reading.interrupt()
        self._flush()
        self._wait(waiter, None)
        with self._lock:
            self._perform()
            self._reading.interrupt()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    def __enter__(self) -> "Client":
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Requests

    def _begin(self) -> None:
        """Starts the client if needed. Call it with the lock held."""
        if self._core.is_closing:
            raise Closed("the client is closed")
        if self._thread is None:
            self._reading.open()
            self._core.start()
            self._thread = threading.Thread(target=self._read_alone, name="hubrelay", daemon=True)
            self._thread.start()

    def _ask(self, request: Callable[[BlockingWaiter], None], timeout: Optional[float]) -> Any:
        self._notice_fork()
        waiter = BlockingWaiter()
        with self._lock:
            self._begin()
            request(waiter)
            self._requested()
        self._flush()
        if not self._wait(waiter, timeout):
            raise Interrupted(f"no answer within {timeout} s")
        return waiter.result()

    def _wait(self, waiter: BlockingWaiter, timeout: Optional[float]) -> bool:
        if waiter.is_done:
            return True
        return self._reading.wait(waiter, None if timeout is None else time.monotonic() + timeout)

    def _given_up(self, waiter: BlockingWaiter, timeout: Optional[float]) -> HubrelayError:
        with self._lock:
            if self._core.publishing.withdraw(waiter):
                return Congested(f"nothing was sent within {timeout} s")
        return Interrupted(f"no answer within {timeout} s; it may be delivered")

    def _requested(self) -> None:
        """Handles that a request was made, or an event taken. Call it with the lock held."""
        self._core.requested()
        if self._core.actions or self._core.timers.has_changed:
            self._core.timers.has_changed = False
            self._reading.interrupt()

    # Sockets: the thread that reads opens and closes them; a thread that publishes writes.

    def _read_alone(self) -> None:
        reading = self._reading
        reading.read_while_nobody_waits(lambda: self._core.is_closed and not self._sockets)
        with self._lock:
            reading.close()

    def _step(self, deadline: Optional[float]) -> None:
        """Waits for the sockets, at most until the deadline, and does all work that is due."""
        try:
            self._take_step(deadline)
        except BaseException:
            self._writing_interrupted()
            raise

    def _take_step(self, deadline: Optional[float]) -> None:
        core = self._core
        with self._lock:
            if core.actions:
                self._perform()
            core.timers.has_changed = False
            if self._has_interest_changed:
                self._want()
            due = 0.0 if self._broken else core.timers.deadline
            if due is not None and (deadline is None or due < deadline):
                deadline = due
            chosen = self._begin_to_write()
        if chosen is not None:
            self._write(chosen)
        ready = self._poller.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._take(ready)
            if core.timers.deadline is not None and core.timers.deadline <= time.monotonic():
                self._tick(time.monotonic())
            if core.actions:
                self._perform()
            chosen = self._begin_to_write()
        if chosen is not None:
            self._write(chosen)

    def _tick(self, now: float) -> None:
        silent = self._core.give_up_candidate(now)
        if silent is not None:
            self._read(silent)
        self._core.tick(now)

    def _want(self) -> None:
        self._has_interest_changed = False
        self._by_number = {opened.fileno(): link for link, opened in self._sockets.items()}
        wanted = {number: (link.is_reading, link in self._blocked) for number, link in self._by_number.items()}
        wanted[self._reading.wake_up_fileno()] = True, False
        self._poller.want(wanted)

    def _take(self, ready: list[tuple[int, bool, int]]) -> None:
        for number, is_readable, is_writable in ready:
            link = self._by_number.get(number)
            if link is None:
                self._reading.clear_wake_ups()
                continue
            if is_readable:
                self._read(link)
            if is_writable and link in self._blocked:
                del self._blocked[link]
                self._has_interest_changed = True
        if self._broken:
            for link, why in list(self._broken.items()):
                self._read_to_end(link, why)

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

    def _read_to_end(self, link: Link, why: str) -> None:
        """Reads what the relay sent before it closed the connection, since that still counts."""
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

    def _perform(self) -> None:
        """Performs the core's actions. Call it with the lock held."""
        core = self._core
        self._has_interest_changed = True
        while core.actions:
            action, link = core.actions.pop(0)
            if action is Action.OPEN:
                self._open(link)
            elif action is Action.CLOSE:
                self._close(link)
            elif action is Action.CHECK and link in self._sockets and has_hung_up(self._sockets[link]):
                self._read_to_end(link, "the relay closed the connection")

    def _open(self, link: Link) -> None:
        try:
            self._sockets[link] = self._connector(self.path)
        except Exception as error:  # a connector of the application may raise anything
            self._core.failed(link, why_not_connected(error))
        else:
            self._core.opened(link)

    def _close(self, link: Link) -> None:
        opened = self._sockets.pop(link, None)
        self._blocked.pop(link, None)
        self._broken.pop(link, None)
        if opened is not None and self._writer is not None:
            self._to_close.append(opened)
        elif opened is not None:
            opened.close()

    def _flush(self) -> None:
        """Writes all unsent bytes, unless another thread does."""
        try:
            with self._lock:
                chosen = self._begin_to_write()
            if chosen is not None:
                self._write(chosen)
        except BaseException:
            self._writing_interrupted()
            raise

    def _begin_to_write(self) -> Optional[_Write]:
        """Returns what this thread has to write. None while another thread writes: its next write includes what was
        added meanwhile. A caller that gets something must call `_write`, and `_writing_interrupted` at any exception.
        Call it with the lock held."""
        if self._writer is not None:
            return None
        self._writer = threading.get_ident()
        chosen = self._next_to_write()
        if chosen is None:
            self._writer = None
        return chosen

    def _write(self, chosen: Optional[_Write]) -> None:
        """Writes `chosen`, and what was added meanwhile. Call it without the lock."""
        while chosen is not None:
            link, opened, data = chosen
            written, why, is_blocked = _send(opened, data)
            with self._lock:
                self._wrote(link, opened, written, why, is_blocked)
                chosen = self._next_to_write()
                if chosen is None:
                    self._end_to_write()

    def _writing_interrupted(self) -> None:
        """Handles an exception from outside in this thread, such as KeyboardInterrupt or a timeout of gevent. If the
        thread was writing, nobody knows how much the socket took, so the connection ends."""
        with self._lock:
            if self._writer != threading.get_ident():
                return
            for link in self._sockets:
                if link.is_writing:
                    self._broken[link] = "a write was interrupted"
            self._end_to_write()
            self._reading.interrupt()

    def _end_to_write(self) -> None:
        self._writer = None
        while self._to_close:
            self._to_close.pop().close()

    def _next_to_write(self) -> Optional[_Write]:
        for link, opened in self._sockets.items():
            if link.unsent:
                if link not in self._blocked and link not in self._broken:
                    link.is_writing = True
                    return link, opened, link.to_write()
            elif link.shut_when_written and not link.is_shut:
                link.is_shut = True
                try:
                    opened.shutdown(socket.SHUT_WR)
                except OSError as error:
                    self._broken[link] = why_ended(error)
        return None

    def _wrote(self, link: Link, opened: socket.socket, written: int, why: str, is_blocked: bool) -> None:
        link.is_writing = False
        if self._sockets.get(link) is not opened:
            return  # the connection ended meanwhile
        link.wrote(written)
        if is_blocked:
            self._blocked[link] = True
            self._has_interest_changed = True
            self._reading.interrupt()
        elif why:
            self._broken[link] = why
            self._reading.interrupt()
        else:
            self._core.wrote()

    def _notice_fork(self) -> None:
        """Notices, at the client's first use, a fork that did not run Python's fork hooks, as in uWSGI."""
        if os.getpid() != self._pid:
            with _FORKED:
                if os.getpid() != self._pid:
                    self._forked()

    def _forked(self) -> None:
        """Runs in the child. The sockets are the parent's: closes the child's copies, without notice to the relay, and
        starts again."""
        for number in [opened.detach() for opened in (*self._sockets.values(), *self._to_close)]:
            os.close(number)
        for number in self._reading.detach():
            os.close(number)
        self._core.abandoned()
        self.counters = Counters()
        self._set_up()


def _send(opened: socket.socket, data: memoryview) -> tuple[int, str, bool]:
    """Returns how many bytes the socket took, why it cannot be written to, and whether it takes no more at present."""
    try:
        return opened.send(data), "", False
    except (BlockingIOError, InterruptedError):
        return 0, "", True
    except OSError as error:
        return 0, why_ended(error), False


_FORKED = threading.Lock()
_CLIENTS: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for client in list(_CLIENTS):
        client._forked()


os.register_at_fork(after_in_child=_after_fork_in_child)
