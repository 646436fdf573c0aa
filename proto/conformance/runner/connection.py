"""One connection of a client, seen from the relay's end."""
import time

from . import codec
from .checks import ClientRules
from .stream import Stream


class Connection:
    """What the client writes is cut into frames, checked, and kept in `inbox` until the scenario takes it.

    Kinds that are in `answers` are answered at once, each with OK; Pings that are answered so are passed over. A
    scenario takes a kind out of `answers` to answer itself. `held` is what the client is subscribed to, by the Replies.
    """

    def __init__(self, session, relay, sock, number):
        self.relay = relay
        self.title = f"{relay.name}.{number}"
        self.answers = set(relay.answers)
        self.hello = None
        self.is_welcomed = False
        self.inbox = []
        self.held = set()
        self.lingers = False  # when the client has ended, the relay does not close by itself, though it owes nothing
        self.accepted_at = time.monotonic()
        self._session = session
        self._rules = ClientRules(self.title)
        self._in = bytearray()
        self._stream = Stream(session, sock, self._on_data, self._close_if_done)

    # What the client writes

    def _on_data(self, data):
        if data:
            self._in += data
            self._cut()
        else:
            within = f", within a frame: {len(self._in)} bytes of it" if self._in else ""
            self._session.log(f"{self.title} <", f"end of what the client writes{within}")
            self._close_if_done()

    def _cut(self):
        start = 0
        while len(self._in) - start >= 4:
            length = int.from_bytes(self._in[start:start + 4], "big")
            self._rules.length(length)
            if len(self._in) - start < 4 + length:
                break
            frame = self._rules.body(bytes(self._in[start + 4:start + 4 + length]))
            start += 4 + length
            self._session.log(f"{self.title} <", frame)
            self._take_in(frame)
        del self._in[:start]

    @property
    def half_frame(self):
        """How many bytes of a frame that is not whole have come."""
        return len(self._in)

    def _take_in(self, frame):
        if frame.kind == "hello":
            self.hello = frame
            if "hello" in self.answers:
                self.relay.on_hello(self)
            return
        answered = frame.kind in self.answers
        if answered:
            self.reply(frame)
        if not (answered and frame.kind == "ping"):
            self.inbox.append(frame)

    def pending(self, kind, condition=lambda frame: True):
        """The frames of a kind that have come and were not taken yet."""
        return [frame for frame in self.inbox if frame.kind == kind and condition(frame)]

    def unanswered(self, kind):
        """Those that the scenario has to answer."""
        return self.pending(kind, lambda frame: not frame.is_answered)

    def take(self, kind, what=None, condition=lambda frame: True):
        """Waits for the next frame of a kind, and takes it out of the inbox."""
        what = what or f"a frame of kind {kind}"
        frame = self._session.wait(lambda: next(iter(self.pending(kind, condition)), None), f"{self.title}: {what}")
        self.inbox.remove(frame)
        return frame

    def take_publish(self, channel):
        """Waits for the next Publish to a channel, and takes it."""
        return self.take("publish", f"a Publish to {channel}", lambda frame: frame.channel == channel)

    def pause(self):
        """Reads no more, until `resume`."""
        self._stream.is_reading = False
        self._stream.watch()

    def resume(self):
        self._stream.is_reading = True
        self._stream.watch()

    # What the relay writes

    def welcome(self, **changes):
        """Answers Hello, with what the relay is and these fields in place of its own."""
        self.write(codec.framed(self.welcome_body(**changes)))

    def welcome_body(self, **changes):
        """The body of a Welcome, for a scenario that writes it itself."""
        fields = self.relay.welcome_fields() | changes
        self._rules.welcomed(fields)
        self.is_welcomed = True
        return self._body("welcome", fields)

    def send(self, kind, **fields):
        """Writes one frame."""
        self.write(codec.framed(self._body(kind, fields)))

    def _body(self, kind, fields):
        self._session.log(f"{self.title} >", _Line(kind, fields))
        return codec.encode(kind, **fields)

    def reply(self, frame, outcome="OK", **fields):
        """Answers a request; nothing goes out if it has no id."""
        assert not frame.is_answered, frame
        self._keep_books(frame, outcome)
        if frame.id:
            self.write(codec.framed(self.reply_body(frame, outcome, **fields)))
        self._close_if_done()

    def reply_body(self, frame, outcome="OK", **fields):
        """The body of the Reply to a publish or Ping, for a scenario that writes it itself."""
        if frame.kind == "publish" and outcome == "OK":
            fields.setdefault("receivers", 1)
        frame.is_answered = True
        self._rules.answered(frame.id)
        return self._body("reply", {"id": frame.id, "outcome": codec.OUTCOMES.get(outcome, outcome)} | fields)

    def _keep_books(self, frame, outcome):
        if frame.kind == "subscribe" and outcome in ("OK", "PENDING"):
            self.held |= frame.names
        if frame.kind == "unsubscribe":
            self.held -= frame.names

    def status(self, state=codec.UP, publishing=None, receiving=None, **fields):
        """Writes a Status; both directions are what the state says if they are not given."""
        is_up = state == codec.UP
        self.send("status", state=state, publishing=is_up if publishing is None else publishing,
                  receiving=is_up if receiving is None else receiving, **fields)

    def message(self, channel, payload=b"x", pattern=""):
        self.send("message", channel=channel, payload=payload if isinstance(payload, bytes) else payload.encode(),
                  pattern=pattern)

    def write(self, data):
        """Bytes as they are."""
        self._stream.write(data)

    def trickle(self, data):
        """Bytes one by one, so that no two come in one read."""
        self._session.log(f"{self.title} >", f"{len(data)} bytes, one by one")
        self._stream.trickle(data)

    @property
    def unsent_bytes(self):
        """What was written here and the socket has not taken."""
        return self._stream.unsent_bytes

    def wait_until_read(self):
        """Until the client has read everything that was written."""
        self._session.wait(lambda: not self._stream.unsent_bytes and not self._stream.unread_bytes,
                           f"{self.title}: the client to read what was written", poll=0.001)

    # The end

    @property
    def ended(self):
        """The client has shut its writing side, or closed."""
        return self._stream.is_at_end

    @property
    def gone(self):
        """The client has closed, or the relay has."""
        return self._stream.is_gone

    def _close_if_done(self):
        """PROTOCOL.md 6 rule 10: after the client's shutdown of its writing side what is owed is sent, then the relay
        closes."""
        if self.ended and not self.lingers and not self._rules.unanswered and not self._stream.unsent_bytes:
            self.close()

    def end(self):
        """The relay closes. What was written before reaches the client."""
        self._session.wait(lambda: not self._stream.unsent_bytes, f"{self.title}: the client to read what was written")
        self.close()

    def close(self):
        """The relay is gone; what the socket does not take at once is lost."""
        if not self._stream.is_closed:
            self._session.log(f"{self.title} >", "closed by the relay")
            self._stream.close()


class _Line:
    """The text of a frame for the log, made only when it is read."""

    def __init__(self, kind, fields):
        self._frame = codec.Frame(kind, fields, ())

    def __str__(self):
        return str(self._frame)
