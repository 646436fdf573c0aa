"""One connection to a relay, whose every frame goes through the ledger."""
import asyncio
import itertools
import time

import wire
from wire import State


class Gone(Exception):
    """The connection is over: its relay ends, or it has been closed."""


class Connection(asyncio.Protocol):
    """Open it with `Connection.open`. Frames are taken in the order in which they come, as soon as they come."""

    def __init__(self, ledger, relay, name):
        self.ledger, self.relay, self.name = ledger, relay, name
        self.account = None
        self.pending = {}           # id: (when asked, the future that waits for the Reply or None)
        self.events = asyncio.Event()   # set at every frame but a Message
        self._buffer, self._ids = bytearray(), itertools.count(1)
        self._may_write = asyncio.Event()
        self._may_write.set()
        loop = asyncio.get_running_loop()
        self._welcome, self.over = loop.create_future(), loop.create_future()
        self._is_ending = False     # we have closed it, or the relay has said that it stops

    @classmethod
    async def open(cls, ledger, relay, name):
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_unix_connection(lambda: cls(ledger, relay, name), relay.path)
        connection.transport.write(wire.encode(wire.Hello(1, name[-64:])))
        await connection._welcome
        return connection

    # MARK: asyncio.Protocol

    def connection_made(self, transport):
        self.transport = transport

    def pause_writing(self):
        self._may_write.clear()

    def resume_writing(self):
        self._may_write.set()

    def data_received(self, data):
        buffer = self._buffer
        buffer += data
        place = 0
        while len(buffer) - place >= 4:
            end = place + 4 + int.from_bytes(buffer[place:place + 4], "big")
            if len(buffer) < end:
                break
            self._take(wire.decode(bytes(buffer[place + 4:end])))
            place = end
        del buffer[:place]

    def connection_lost(self, error):
        if not self._welcome.done():
            self._welcome.set_exception(Gone())
        if self.account and not self.account.is_closed:
            if not self._is_ending and not self.relay.is_ending:
                self.ledger.violation(f"{self.name}: closed by the relay ({error})")
            self.account.close(is_complete=not self.relay.was_killed and not error and self._is_ending)
        self.relay.connections.discard(self)
        for _, waiter in self.pending.values():
            if waiter and not waiter.done():
                waiter.set_exception(Gone())
        self.pending.clear()
        self._may_write.set()
        self.events.set()
        if not self.over.done():
            self.over.set_result(None)

    # MARK: Frames

    def _take(self, frame):
        if isinstance(frame, wire.Welcome):
            self.account = self.ledger.open(self.name, frame.status)
            self.relay_id = frame.relay_id
            if ("patterns" in frame.features) == (self.ledger.pubsub == "sharded"):
                self.ledger.violation(f"{self.name}: features {frame.features}")
            self.relay.connections.add(self)
            if not self._welcome.done():
                self._welcome.set_result(frame)
            if frame.status.state == State.STOPPING:
                self.finish()
            return
        if isinstance(frame, wire.Error):
            # A relay that stops with somebody still there says so.
            if not self.relay.is_ending:
                self.ledger.violation(f"{self.name}: {frame.code.name}: {frame.detail}")
            return
        if self.account is None or self.account.is_closed:
            return
        self.account.take(frame)
        if isinstance(frame, wire.Reply):
            _, waiter = self.pending.pop(frame.id, (0, None))
            if waiter and not waiter.done():
                waiter.set_result(frame)
        if isinstance(frame, wire.Status):
            self.relay.heard(self, frame)
            if frame.state == State.STOPPING:
                self.finish()
        if not isinstance(frame, wire.Message):
            self.events.set()

    # MARK: Requests

    @property
    def is_open(self):
        return not self.over.done() and not self._is_ending

    def _ask(self, waits):
        if not self.is_open:
            raise Gone
        id = next(self._ids)
        waiter = asyncio.get_running_loop().create_future() if waits else None
        self.pending[id] = (time.monotonic(), waiter)
        return id, waiter

    def publish(self, channel, size, *, has_id=True):
        id = self._ask(False)[0] if has_id else 0
        if not self.is_open:
            raise Gone
        payload = self.account.publish(channel, size, id)
        self.transport.write(wire.encode(wire.Publish(channel, payload, id)))

    def subscribe(self, *channels, patterns=()):
        """Returns a future for the Reply."""
        id, waiter = self._ask(True)
        self.account.subscribe(id, channels, patterns)
        self.transport.write(wire.encode(wire.Subscribe(id, channels, tuple(patterns))))
        return waiter

    def unsubscribe(self, *channels, patterns=()):
        id, waiter = self._ask(True)
        self.account.unsubscribe(id, channels, patterns)
        self.transport.write(wire.encode(wire.Unsubscribe(id, channels, tuple(patterns))))
        return waiter

    def ping(self):
        id, waiter = self._ask(True)
        self.account.ping(id)
        self.transport.write(wire.encode(wire.Ping(id)))
        return waiter

    async def room(self, most=200):
        """Waits until the socket takes more, and until at most `most` requests are unanswered."""
        await self._may_write.wait()
        while len(self.pending) > most and self.is_open:
            self.events.clear()
            await self.events.wait()
        if not self.is_open:
            raise Gone

    def late(self, patience):
        """How many requests have waited longer than `patience` seconds."""
        limit = time.monotonic() - patience
        return sum(1 for asked, _ in self.pending.values() if asked < limit)

    # MARK: The end

    def finish(self):
        """Ends it in peace: whatever was asked is answered first, then the relay closes."""
        if self.is_open and self.transport.can_write_eof():
            self._is_ending = True
            self.transport.resume_reading()
            self.transport.write_eof()

    def abort(self):
        """Ends it at once, replies or no replies."""
        if self.over.done():
            return
        self._is_ending = True
        if self.account:
            self.account.close()
        self.transport.abort()

    def abort_in_mid_frame(self):
        if self.is_open:
            self.transport.write((5000).to_bytes(4, "big") + b"\x12\x10half")
        self.abort()
