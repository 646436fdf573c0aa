"""The independent publisher: it goes to Redis itself, and knows which messages Redis took."""
import collections
import contextlib
import json
import socket
import struct
import threading
import time

#: Seconds between two messages.
INTERVAL = 0.05


def plain(number):
    return b"%d" % number


def socketio(number):
    """What a manager of python-socketio publishes for `emit("number", number)`."""
    return json.dumps({"method": "emit", "event": "number", "data": [number], "binary": False, "namespace": "/",
                       "room": None, "skip_sid": None, "callback": None, "host_id": "publisher"}).encode()


def channels(number):
    """The MessagePack of {"type": "number", "number": number}, as a layer of channels_redis publishes it."""
    return b"\x82\xa4type\xa6number\xa6number\xce" + struct.pack(">I", number)


class Publisher:
    """Publishes numbers from 1 on, one each INTERVAL to each of `formats` (a dict of channels and how a number is
    written there). It waits for no answer before the next, connects again by itself, and sends nothing twice. `path` is
    the Unix socket of the server. `taken` has what Redis took: by channel and number, when it was written."""

    def __init__(self, path, formats):
        self._path, self._formats, self._socket = path, formats, None
        self.taken = {name: {} for name in formats}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True)
        self._thread.start()

    def move(self, path):
        """From now on it publishes there."""
        self._path = path
        self._leave(self._socket)

    def stop(self):
        """Ends it, and waits for the answers that are under way."""
        self._is_over.set()
        self._thread.join()
        time.sleep(0.2)
        self._leave(self._socket)

    def _leave(self, connection):
        if connection:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        if connection is self._socket:
            self._socket = None

    def _publish(self):
        number, due = 0, time.monotonic()
        while not self._is_over.wait(max(0.0, due - time.monotonic())):
            number, due = number + 1, due + INTERVAL
            try:
                connection = self._socket or self._connect()
                for name, form in self._formats.items():
                    payload = form(number)
                    self._waiting.append((name, number, time.monotonic()))
                    connection.sendall(b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                                       % (len(name), name.encode(), len(payload), payload))
            except OSError:
                self._socket = None

    def _connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._path)
        self._socket = connection
        self._waiting = waiting = collections.deque()
        threading.Thread(target=self._read, args=(connection, waiting), daemon=True).start()
        return connection

    def _read(self, connection, waiting):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as file:
            while (line := file.readline()).endswith(b"\n"):
                name, number, written = waiting.popleft()
                if line.startswith(b":"):
                    self.taken[name][number] = written
        self._leave(connection)
