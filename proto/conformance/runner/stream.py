"""A connected socket of the relay's: bytes in and out, without waiting."""
import fcntl
import select
import selectors
import struct
import termios
import time

_READ_BYTES = 1 << 18


class Stream:
    """`on_data` is called with what was read, and with b"" once at the client's end; `on_written` when all that was
    written has left. What `on_data` writes goes out together when it returns."""

    def __init__(self, session, sock, on_data, on_written):
        self.is_reading = True
        self.is_at_end = False  # the client has shut its writing side, or closed
        self._session, self._socket = session, sock
        self._on_data, self._on_written = on_data, on_written
        self._out = bytearray()
        self._is_in_data = False
        self._mask = 0
        sock.setblocking(False)
        self.watch()

    @property
    def is_closed(self):
        return self._socket is None

    def watch(self):
        """Tells the loop what to wait for."""
        mask = selectors.EVENT_READ if self.is_reading and not self.is_at_end else 0
        mask |= selectors.EVENT_WRITE if self._out else 0
        if self._socket and mask != self._mask:
            self._session.watch(self._socket, mask, self._mask, self._on_ready)
            self._mask = mask

    def _on_ready(self, mask):
        if mask & selectors.EVENT_WRITE:
            self.flush()
            if not self._out:
                self._on_written()
        if mask & selectors.EVENT_READ and self.is_reading and self._socket:
            self._read()
        self.watch()

    def _read(self):
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self.is_at_end = not data
        self._is_in_data = True
        self._on_data(data)
        self._is_in_data = False
        self.flush()

    def write(self, data):
        """In as few pieces as the socket allows. Nothing happens once it is closed."""
        if self._socket:
            self._out += data
            if not self._is_in_data:
                self.flush()
                self.watch()

    def flush(self):
        while self._out and self._socket:
            try:
                # A view of the whole buffer: a slice would copy megabytes for each piece.
                with memoryview(self._out) as view:
                    sent = self._socket.send(view)
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                self._out.clear()
                return
            del self._out[:sent]

    def trickle(self, data):
        """Bytes one by one, each once the client has read the one before, so that no two come in one read."""
        for byte in data:
            self.write(bytes((byte,)))
            give_up = time.monotonic() + 0.02
            while self.unread_bytes and time.monotonic() < give_up:
                time.sleep(0.0001)
            self._session.pump(0)

    @property
    def unsent_bytes(self):
        """What was written here and the socket has not taken."""
        return len(self._out)

    @property
    def unread_bytes(self):
        """At least 1 if the socket has something that the client has not read. 0 where the system does not tell."""
        try:
            return struct.unpack("i", fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0" * 4))[0]
        except (OSError, ValueError, TypeError):
            return 0

    @property
    def is_gone(self):
        """The client has closed its end, or the relay has."""
        if not self._socket:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return any(mask & (select.POLLHUP | select.POLLERR) for _, mask in poll.poll(0))

    def close(self):
        """What the socket does not take at once is lost."""
        if self._socket:
            self.flush()
            self._out.clear()
            self.is_reading = False
            self.watch()
            self._socket.close()
            self._socket = None
