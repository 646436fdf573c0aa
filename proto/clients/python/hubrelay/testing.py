"""A relay in memory, for the tests of applications: no files, no Redis, no other process.

    with hubrelay.testing.FakeRelay() as relay:
        client = relay.async_client()          # or relay.client(); both take the options of the real clients
        ...
        relay.publish("room.7", b"from another host")
        relay.outage(); relay.recover()        # a Status, a Gap, and NotConnected between them

The clients are the real ones, and communicate with the fake relay's thread through socket pairs. So an application is
tested with the errors, the order and the events that it will meet in production.
"""
import os
import select
import socket
import threading
from typing import Any, Callable, Optional

from .asyncio_client import AsyncClient
from .blocking_client import Client
from .codec import CLIENT_FRAME, decode, encode
from .frames import (Cause, Hello, Loss, Message, Outcome, Ping, Publish, Reply, Revoked, State, Status, Subscribe,
                     Unsubscribe, Welcome)
from .patterns import matches

_UP = Status(State.UP, publishing=True, receiving=True)
MAX_PAYLOAD_BYTES = 1 << 20

#: Long timeouts, so that a busy machine does not make a test fail.
_PATIENT = {"first_use": 30.0, "handshake": 30.0}


class _Connection:
    """One client's connection, with its subscriptions and the bytes that it has not read."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self.socket = connected
        self.channels: set[str] = set()
        self.patterns: set[str] = set()
        self.unread = bytearray()
        self.unparsed = b""

    def send(self, frame: Any) -> None:
        self.unread += encode(frame)
        self.flush()

    def flush(self) -> None:
        try:
            while self.unread:
                del self.unread[:self.socket.send(self.unread)]
        except OSError:
            pass  # the rest is sent when the socket is writable; if the connection has ended, reading finds that

    def frames(self) -> Optional[list[Any]]:
        """The frames that the client has written; None at the end of the connection."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        self.unparsed += data
        found = []
        while len(self.unparsed) >= 4 and len(self.unparsed) >= (
                end := 4 + int.from_bytes(self.unparsed[:4], "big")):
            found.append(decode(self.unparsed[4:end], CLIENT_FRAME))
            self.unparsed = self.unparsed[end:]
        return found


class FakeRelay:
    """A relay with its own Redis. Its methods may be called by any thread. Use `with`, or call `close`.

    `published` has what clients have published, in order, as Messages. With a `path` it also listens there, for clients
    in other processes; the path must not exist yet, and is removed at the end.
    """

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.published: list[Message] = []
        self._status = _UP
        self._refused: set[str] = set()
        self._is_away = self._is_closed = False
        self._starts = 1
        self._connections: dict[int, _Connection] = {}
        self._lock = threading.RLock()
        self._waker, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        self._to_close: list[socket.socket] = []  # the relay's thread closes them, since it may be waiting for them
        self._listener: Optional[socket.socket] = None
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
            self._listener.listen()
        self._thread = threading.Thread(target=self._run, name="hubrelay-fake", daemon=True)
        self._thread.start()

    def __enter__(self) -> "FakeRelay":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def async_client(self, name: str = "", **options: Any) -> AsyncClient:
        """A client of this relay. `options` are those of AsyncClient."""
        return AsyncClient("fake", name, connector=self.connector, **{**_PATIENT, **options})

    def client(self, name: str = "", **options: Any) -> Client:
        """A client of this relay. `options` are those of Client."""
        return Client("fake", name, connector=self.connector, **{**_PATIENT, **options})

    def connector(self, path: str) -> socket.socket:
        """Use it as the `connector` of a client. Raises ConnectionRefusedError while the relay is away."""
        with self._lock:
            if self._is_away or self._is_closed:
                raise ConnectionRefusedError(111, "the fake relay is away")
            ours, theirs = socket.socketpair()
            theirs.setblocking(False)
            self._connections[ours.fileno()] = _Connection(ours)
        self._wake()
        return theirs

    # What a test can cause

    def publish(self, channel: str, payload: bytes) -> int:
        """Publishes as if from another host. Returns how many subscriptions get it: 0 during an outage."""
        with self._lock:
            return self._deliver(channel, payload) if self._status.receiving else 0

    def outage(self, reason: str = "Redis is away") -> None:
        """Loses Redis: the Status is DOWN, publishes raise NotConnected, subscribes are PENDING."""
        with self._lock:
            self._tell_all(Status(State.DOWN, reason, gaps=self._status.gaps + 1, cause=Cause.CLOSED))

    def recover(self) -> None:
        """Brings Redis back: the Status is UP, and clients with subscriptions get a Gap."""
        with self._lock:
            self._tell_all(Status(State.UP, publishing=True, receiving=True, gaps=self._status.gaps))

    def disconnect(self) -> None:
        """Ends every connection. The clients reconnect at once."""
        with self._lock:
            for number in list(self._connections):
                self._forget(number)

    def leave(self) -> None:
        """Lets the relay die: connections end, and nobody can connect until `come_back`."""
        with self._lock:
            self._is_away = True
            self.disconnect()

    def come_back(self) -> None:
        """Starts another relay, with another id."""
        with self._lock:
            self._is_away = False
            self._starts += 1

    def refuse(self, *names: str) -> None:
        """From now on Redis refuses subscriptions to these channels and patterns, and publishes to them."""
        with self._lock:
            self._refused.update(names)

    def revoke(self, *names: str) -> None:
        """Redis refuses these names although they were granted: their subscribers get Revoked."""
        with self._lock:
            for connection in self._connections.values():
                channels, patterns = connection.channels & set(names), connection.patterns & set(names)
                connection.channels -= channels
                connection.patterns -= patterns
                if channels or patterns:
                    connection.send(Revoked(tuple(sorted(channels)), tuple(sorted(patterns)), "NOPERM"))

    def lose(self, messages: int) -> None:
        """Sends every client a Loss of this many messages."""
        with self._lock:
            for connection in self._connections.values():
                connection.send(Loss(messages=messages, reason="slow reader", cause=Cause.SLOW_READER))

    def close(self) -> None:
        """Ends the relay and every connection. Idempotent."""
        with self._lock:
            self._is_closed = True
            self.disconnect()
        self._wake()
        self._thread.join()
        self._close_ended()
        if self._listener is not None:
            self._listener.close()
            os.unlink(self.path)
        self._waker.close()
        self._wakes.close()

    # The relay

    def _run(self) -> None:
        while True:
            with self._lock:
                self._close_ended()
                if self._is_closed:
                    return
                reads = [self._waker.fileno(), *self._connections]
                if self._listener is not None:
                    reads.append(self._listener.fileno())
                writes = [number for number, connection in self._connections.items() if connection.unread]
            readable, writable, _ = select.select(reads, writes, [])
            with self._lock:
                if self._waker.fileno() in readable:
                    self._waker.recv(4096)
                for number in readable:
                    if self._listener is not None and number == self._listener.fileno():
                        self._accept(self._listener)
                    self._read(number)
                for number in writable:
                    if number in self._connections:
                        self._connections[number].flush()

    def _accept(self, listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        if self._is_away:
            accepted.close()
        else:
            self._connections[accepted.fileno()] = _Connection(accepted)

    def _read(self, number: int) -> None:
        connection = self._connections.get(number)
        if connection is None:
            return
        frames = connection.frames()
        if frames is None:
            self._forget(number)
        for frame in frames or ():
            _ANSWERS[type(frame)](self, connection, frame)

    def _hello(self, connection: _Connection, frame: Hello) -> None:
        connection.send(Welcome(1, "fake", f"fake-{self._starts}", MAX_PAYLOAD_BYTES + 4096, self._status,
                                MAX_PAYLOAD_BYTES, ("patterns", "settled")))

    def _publish(self, connection: _Connection, frame: Publish) -> None:
        outcome, receivers = Outcome.OK, 0
        if frame.channel.startswith("__hubrelay:"):
            outcome = Outcome.INVALID
        elif not self._status.publishing:
            outcome = Outcome.NOT_CONNECTED
        elif frame.channel in self._refused:
            outcome = Outcome.REFUSED
        else:
            self.published.append(Message(frame.channel, frame.payload))
            receivers = self._deliver(frame.channel, frame.payload)
        if frame.id:
            connection.send(Reply(frame.id, outcome, receivers))
        elif outcome != Outcome.OK:
            connection.send(Loss(publishes=1, cause=_CAUSES[outcome]))

    def _subscribe(self, connection: _Connection, frame: Subscribe) -> None:
        channels = tuple(name for name in frame.channels if name in self._refused)
        patterns = tuple(name for name in frame.patterns if name in self._refused)
        if channels or patterns:
            connection.send(Reply(frame.id, Outcome.REFUSED, detail="NOPERM", channels=channels, patterns=patterns))
            return
        connection.channels.update(frame.channels)
        connection.patterns.update(frame.patterns)
        connection.send(Reply(frame.id, Outcome.OK if self._status.receiving else Outcome.PENDING))

    def _unsubscribe(self, connection: _Connection, frame: Unsubscribe) -> None:
        connection.channels.difference_update(frame.channels)
        connection.patterns.difference_update(frame.patterns)
        connection.send(Reply(frame.id, Outcome.OK))

    def _ping(self, connection: _Connection, frame: Ping) -> None:
        connection.send(Reply(frame.id, Outcome.OK))

    def _deliver(self, channel: str, payload: bytes) -> int:
        receivers = 0
        for connection in self._connections.values():
            if channel in connection.channels:
                connection.send(Message(channel, payload))
            found = [pattern for pattern in connection.patterns if matches(pattern, channel)]
            for pattern in found:
                connection.send(Message(channel, payload, pattern))
            receivers += (channel in connection.channels) + len(found)
        return receivers

    def _tell_all(self, status: Status) -> None:
        self._status = status
        for connection in self._connections.values():
            connection.send(status)

    def _forget(self, number: int) -> None:
        ended = self._connections.pop(number).socket
        try:
            ended.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client has closed it
        self._to_close.append(ended)
        self._wake()

    def _close_ended(self) -> None:
        while self._to_close:
            self._to_close.pop().close()

    def _wake(self) -> None:
        try:
            self._wakes.send(b"\0")
        except BlockingIOError:
            pass  # it is full, so the relay's thread wakes up anyway


_CAUSES = {Outcome.NOT_CONNECTED: Cause.NOT_CONNECTED, Outcome.REFUSED: Cause.REFUSED, Outcome.INVALID: Cause.INVALID}
_ANSWERS: dict[type, Callable[[FakeRelay, _Connection, Any], None]] = {
    Hello: FakeRelay._hello, Publish: FakeRelay._publish, Subscribe: FakeRelay._subscribe,
    Unsubscribe: FakeRelay._unsubscribe, Ping: FakeRelay._ping}

__all__ = ["FakeRelay", "MAX_PAYLOAD_BYTES"]
