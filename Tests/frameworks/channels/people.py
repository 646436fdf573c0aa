"""Who sits before the browsers of the chat."""
import json

from harness import PATIENCE
from websockets.sync.client import connect


class Person:
    """A WebSocket to one server, in one room. Use `with`."""

    def __init__(self, port, room="room", folder=""):
        self._socket = connect(f"ws://127.0.0.1:{port}/{folder}{room}", open_timeout=PATIENCE)
        self.channel = self.next("channel")["channel"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def say(self, text, **more):
        """To the room, or with `to` to one channel."""
        self._socket.send(json.dumps({"text": text, **more}))

    def say_until_heard(self, text):
        """To the room, and again if it is refused: a relay may receive before it publishes. Returns when it came."""
        self.say(text)
        while "refused" in self.next("text", text):
            self.say(text)

    def hear(self, count=1):
        """The next messages, and nothing else may come before them."""
        heard = [self._receive() for _ in range(count)]
        return [each.get("text", each) for each in heard]

    def next(self, what, value=None):
        """The next event of a kind, with this value if there is one; what comes before it is forgotten."""
        while True:
            event = self._receive()
            if what in event and value in (None, event[what]):
                return event

    def _receive(self):
        return json.loads(self._socket.recv(timeout=PATIENCE))
