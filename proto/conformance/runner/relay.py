"""A relay, as far as a client can see it: a path that is listened to, and what each Welcome says."""
import os
import selectors
import socket

from . import codec
from .connection import Connection

FEATURES = ("patterns", "settled", "fence")
REQUESTS = ("hello", "publish", "subscribe", "unsubscribe", "ping")


class Relay:
    """Listens from the start, unless `listening` is false. `answers` are the kinds that new connections answer by
    themselves; `status` holds the fields of the Welcome's Status."""

    def __init__(self, session, name, path, features=FEATURES, max_frame_bytes=1052672, max_payload_bytes=None,
                 relay_id=None, status=None, answers=REQUESTS, listening=True):
        self.name = name
        self.path = path
        self.features = tuple(features)
        self.max_frame_bytes = max_frame_bytes
        self.max_payload_bytes = max_frame_bytes - 4096 if max_payload_bytes is None else max_payload_bytes
        self.relay_id = relay_id or f"id-of-{name}"
        self.status = {"state": codec.UP, "publishing": True, "receiving": True} if status is None else status
        self.answers = set(answers)
        self.on_hello = Connection.welcome  # what a connection does on its Hello, if Hello is among `answers`
        self.connections = []
        self._not_taken = []
        self._session = session
        self._socket = None
        if listening:
            self.listen()

    def welcome_fields(self):
        return {"version": 1, "relay_version": "0.1.0", "relay_id": self.relay_id,
                "max_frame_bytes": self.max_frame_bytes, "status": self.status,
                "max_payload_bytes": self.max_payload_bytes, "features": self.features}

    def listen(self):
        """Takes the path, whoever has it."""
        self.leave_path()
        self._socket = socket.socket(socket.AF_UNIX)
        temporary = f"{self.path}.new"
        self._socket.bind(temporary)
        self._socket.listen(128)
        self._socket.setblocking(False)
        self._inode = os.stat(temporary).st_ino
        os.rename(temporary, self.path)
        self._session.watch(self._socket, selectors.EVENT_READ, 0, self._on_connection)
        self._session.log(self.name, "listens")

    def leave_path(self, keep_file=False):
        """Listens no more; connections go on. With `keep_file` the path stays, as that of a relay that was killed."""
        if self._socket:
            self._session.watch(self._socket, 0, selectors.EVENT_READ, self._on_connection)
            self._socket.close()
            self._socket = None
            self._session.log(self.name, "listens no more")
            if not keep_file and self._has_path():
                os.unlink(self.path)

    def _has_path(self):
        """Whether the path is still this relay's, and not its successor's."""
        try:
            return os.stat(self.path).st_ino == self._inode
        except FileNotFoundError:
            return False

    def _on_connection(self, _):
        try:
            sock, _ = self._socket.accept()
        except BlockingIOError:
            return
        connection = Connection(self._session, self, sock, len(self.connections) + 1)
        self._session.log(connection.title, "connected")
        self.connections.append(connection)
        self._not_taken.append(connection)

    def accept(self, what="the client to connect"):
        """Waits for the next connection, and its Hello. It has its Welcome then, if Hello is among `answers`."""
        while True:
            self._session.wait(lambda: self._not_taken, f"{self.name}: {what}", nudge=True)
            connection = self._not_taken.pop(0)
            self._session.wait(lambda: connection.hello or connection.ended, f"{connection.title}: a Hello")
            if connection.hello:
                return connection

    def forget_connections(self):
        """What has connected up to now is not taken by `accept`."""
        self._not_taken.clear()

    def close(self):
        for connection in self.connections:
            connection.close()
        self.leave_path(keep_file=True)
