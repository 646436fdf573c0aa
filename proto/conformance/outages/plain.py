"""Two plain Redis clients: one that sees everything, and one that publishes."""
import collections

from . import resp

PREFIX = b"t:"
_MOST_UNWRITTEN = 1 << 20


def text_of(key, size=0):
    """The payload of a message, at least so long."""
    return f"{key[0]} {key[1]} ".encode().ljust(size, b".")


def key_of(payload):
    """The publisher and number in a payload; None if it is no message of the ledger."""
    publisher, _, rest = payload.partition(b" ")
    number = rest.partition(b" ")[0]
    return (publisher.decode(), int(number)) if number.isdigit() else None


class Witness:
    """Subscribed to everything before any relay can connect, so that it misses nothing while Redis lives."""

    def __init__(self, session, path, world):
        self._world, self.is_listening = world, False
        self._connection = resp.Connection(session, path, self._reply, lambda: None)
        self._connection.write(resp.command(b"PSUBSCRIBE", PREFIX + b"room.*"))

    def _reply(self, reply):
        if reply[0] == b"pmessage":
            self._world.books.witnessed(reply[2][len(PREFIX):].decode(), key_of(reply[3]))
        else:
            self.is_listening = True

    def close(self):
        self._connection.close()


class PlainPublisher:
    """Publishes by Redis's own protocol, as any app without a relay may."""

    def __init__(self, session, path):
        self._unanswered = collections.deque()
        self._connection = resp.Connection(session, path, self._reply, self._ended)

    def may_publish(self):
        return self._connection.is_open and self._connection.unwritten < _MOST_UNWRITTEN

    def publish(self, publish, size=0):
        """Publishes one message of the ledger."""
        self._unanswered.append(publish)
        self._connection.write(resp.command(b"PUBLISH", PREFIX + publish.channel.encode(), text_of(publish.key, size)))

    def is_settled(self):
        return not self._unanswered

    def _reply(self, reply):
        self._unanswered.popleft().result = "OK" if isinstance(reply, int) else "REFUSED"

    def _ended(self):
        for publish in self._unanswered:
            publish.result = "INTERRUPTED"
        self._unanswered.clear()

    def close(self):
        self._connection.close()
