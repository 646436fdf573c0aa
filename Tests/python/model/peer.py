"""One socket to the relay, whose every frame goes through the model. It writes any bytes, split anywhere."""
import asyncio
import socket
import time

import wire


class Gone(Exception):
    """The connection is over."""


class Peer:
    """Open it with `connect`; end it with `close`, whatever has happened."""

    def __init__(self, fuzz, name, rng):
        self.fuzz, self.random = fuzz, rng
        self.account = fuzz.model.open(name)
        self.over, self.changed = asyncio.Event(), asyncio.Event()
        self.sending_since = None
        self._buffer, self._is_reading, self._socket = bytearray(), False, None
        self.barriers = set()       # channels of barriers that have come
        self.half_since = None

    async def connect(self):
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setblocking(False)
        self.fuzz.peers.add(self)
        await self._loop.sock_connect(self._socket, self.fuzz.relay.path)
        self.resume()

    @property
    def is_open(self):
        return self._socket is not None and not self.over.is_set() and not self.account.has_shut

    # MARK: Reading

    def pause(self):
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._socket)

    def resume(self):
        if not self._is_reading and not self.over.is_set():
            self._is_reading = True
            self._loop.add_reader(self._socket, self._readable)

    def _readable(self):
        self.fuzz.look_for_stalls()
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            return self._end(error)
        if not data:
            return self._end(None)
        buffer = self._buffer
        buffer += data
        place = 0
        while len(buffer) - place >= 4:
            end = place + 4 + int.from_bytes(buffer[place:place + 4], "big")
            if len(buffer) < end:
                break
            self._take(bytes(buffer[place + 4:end]))
            place = end
        del buffer[:place]

    def _take(self, body):
        if len(body) > self.fuzz.model.limits.max_frame:
            self.account.fault(f"a frame of {len(body)} bytes")
        try:
            frame = wire.decode(body)
        except wire.ProtocolError as error:
            return self.account.fault(f"bytes that are no frame: {error}, {body[:60]!r}")
        if frame is None:
            return self.account.fault(f"a frame of an unknown kind: {body[:60]!r}")
        self.account.took(frame)
        if isinstance(frame, wire.Message):
            self.barriers.add(frame.channel) if frame.channel.startswith("sync.") else None
        if not isinstance(frame, wire.Message) or frame.channel.startswith("sync."):
            self.heard(frame)
            self.changed.set()

    def heard(self, frame):
        pass

    def _end(self, error):
        if self.half_since and time.monotonic() - self.half_since > 0.7 * self.fuzz.half_frame:
            self.account.excuses.add(wire.Code.TIMEOUT)
        self._excuse()
        if self._buffer:
            self.account.fault(f"half a frame at the end: {len(self._buffer)} bytes")
        self.account.ended(error)
        self._stop()

    def _excuse(self):
        """A relay that has begun to stop need not have accepted it."""
        if self.fuzz.relay.is_ending and not self.account.is_welcome:
            self.account.excuses.add(wire.Code.UNSPECIFIED)
            self.account.lost_bytes()

    def _stop(self):
        self.pause()
        self.over.set()
        self.changed.set()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # a send that is under way fails
        except OSError:
            pass

    # MARK: Writing

    async def send(self, data):
        """All of it, in one piece or in random ones. Raises Gone when the relay has closed."""
        place = 0
        is_split = self.random.random() < 0.3
        while place < len(data):
            size = self.random.choice((1, 2, 3, 5, 17, 300, 5000, 1 << 20)) if is_split else len(data)
            await self._send(data[place:place + size])
            place += size
            if is_split and self.random.random() < 0.2:
                self.half_since = time.monotonic()
                await asyncio.sleep(self.random.choice((0, 0, 0.002, 0.02)))
        self.half_since = None

    async def _send(self, piece):
        if self.over.is_set():
            self.account.lost_bytes()
            raise Gone
        self.sending_since = time.monotonic()
        try:
            await self._loop.sock_sendall(self._socket, piece)
        except OSError as error:
            self.account.lost_bytes()
            raise Gone from error
        finally:
            self.sending_since = None

    async def ask(self, frame):
        """Writes one frame, and waits until nothing is owed any more."""
        self.account.wrote(frame)
        await self.send(wire.encode(frame))
        await self.until(lambda: not self.account.owed)

    async def until(self, condition):
        """Waits until a frame makes this true. Raises Gone at the end of the connection."""
        while not condition():
            if self.over.is_set():
                raise Gone
            self.changed.clear()
            await self.changed.wait()

    # MARK: The end

    def shut(self):
        """Shuts the writing side."""
        if self.is_open:
            self.account.shut()
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the relay was first

    def close(self):
        """Closes the socket, at once; what the relay sends from here on nobody reads."""
        if self._socket is None:
            return
        self.pause()
        if not self.over.is_set():
            self._excuse()
            self.account.aborted()
            self.over.set()
            self.changed.set()
        self._socket.close()
        self._socket = None
        self.fuzz.peers.discard(self)
