"""As much of Redis's own protocol as the test itself needs: a connection that writes commands and reads replies."""
import os
import selectors
import socket


def command(*words):
    """The bytes of a command."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def parse(data, start=0):
    """The first reply in `data`, and where the next one begins; None if it is not whole. An error is a RuntimeError."""
    end = data.find(b"\r\n", start)
    if end < 0:
        return None
    kind, text, after = data[start:start + 1], bytes(data[start + 1:end]), end + 2
    if kind == b"+":
        return text, after
    if kind == b"-":
        return RuntimeError(text.decode()), after
    if kind == b":":
        return int(text), after
    if kind == b"$":
        size = int(text)
        return (bytes(data[after:after + size]), after + size + 2) if len(data) >= after + size + 2 else None
    values = []
    for _ in range(int(text)):
        found = parse(data, after)
        if found is None:
            return None
        values.append(found[0])
        after = found[1]
    return values, after


class Connection:
    """One connection to a Redis on a Unix socket. `on_reply` is called with each reply, `on_end` once at its end."""

    def __init__(self, session, path, on_reply, on_end):
        self._session, self._on_reply, self._on_end = session, on_reply, on_end
        self._in, self._out, self._mask = bytearray(), bytearray(), selectors.EVENT_READ
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.setblocking(False)
        self.is_open = True
        session.watch(self._socket, self._mask, 0, self._ready)

    def write(self, data):
        """Writes as much as the socket takes, and the rest when it takes more."""
        if self.is_open:
            self._out += data
            self._flush()

    @property
    def unwritten(self):
        return len(self._out)

    def close(self):
        if self.is_open:
            self.is_open = False
            self._session.watch(self._socket, 0, self._mask, self._ready)
            self._socket.close()
            self._on_end()

    def _ready(self, mask):
        if mask & selectors.EVENT_WRITE:
            self._flush()
        if mask & selectors.EVENT_READ and self.is_open:
            self._read()

    def _flush(self):
        try:
            while self._out:
                del self._out[:self._socket.send(self._out[:1 << 18])]
        except BlockingIOError:
            pass
        except OSError:
            self._out.clear()  # the end is read, too
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        if mask != self._mask:
            self._session.watch(self._socket, mask, self._mask, self._ready)
            self._mask = mask

    def _read(self):
        try:
            data = os.read(self._socket.fileno(), 1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._in += data
        start = 0
        while (found := parse(self._in, start)) is not None:
            start = found[1]
            self._on_reply(found[0])
        del self._in[:start]
