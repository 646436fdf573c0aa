"""One connection of a client, seen from the relay's end."""
import fcntl
import select
import selectors
import struct
import termios
import time

from . import codec
from .checks import ClientRules

_READ_BYTES = 1 << 18


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
        self.ended = False        # the client has shut its writing side, or closed
        self.lingers = False      # the relay does not close then by itself, though it owes nothing
        self.accepted_at = time.monotonic()
        self.read_bytes = 0
        self._session = session
        self._socket = sock
        self._rules = ClientRules(self.title)
        self._in = bytearray()
        self._out = bytearray()
        self._is_reading = True
        self._is_cutting = False
        self._mask = 0
        sock.setblocking(False)
        self._watch()

    # What the client writes

    def _on_ready(self, mask):
        if mask & selectors.EVENT_WRITE:
            self._flush()
            self._close_if_done()
        if mask & selectors.EVENT_READ and self._is_reading and self._socket:
            self._read()
        self._watch()

    def _read(self):
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        self.read_bytes += len(data)
        if not data:
            self.ended = True
            self._session.log(f"{self.title} <", "end of what the client writes"
                              + (f", within a frame: {len(self._in)} bytes of it" if self._in else ""))
            self._close_if_done()
            return
        self._in += data
        self._is_cutting = True
        self._cut()
        self._is_cutting = False
        self._flush()

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
        self._is_reading = False
        self._watch()

    def resume(self):
        self._is_reading = True
        self._watch()

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
        """Bytes as they are, in as few pieces as the socket allows."""
        if not self._socket:
            return
        self._out += data
        if not self._is_cutting:  # else what answers the frames of one read goes out at its end
            self._flush()
            self._watch()

    def trickle(self, data):
        """Bytes one by one, each once the client has read the one before, so that no two come in one read."""
        self._session.log(f"{self.title} >", f"{len(data)} bytes, one by one")
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
        """What the socket has taken and the client has not read. At least 1 if there is something; 0 where the system
        does not tell."""
        try:
            return struct.unpack("i", fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0" * 4))[0]
        except (OSError, ValueError, TypeError):
            return 0

    def wait_until_read(self):
        """Until the client has read everything that was written."""
        self._session.wait(lambda: not self.unsent_bytes and not self.unread_bytes,
                           f"{self.title}: the client to read what was written", poll=0.001)

    def _flush(self):
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

    # The end

    def _close_if_done(self):
        """PROTOCOL.md 6 rule 10: after the client's shutdown of its writing side what is owed is sent, then the relay
        closes."""
        if self.ended and not self.lingers and not self._rules.unanswered and not self._out:
            self.close()

    def shutdown(self):
        """The relay writes no more; it still reads."""
        self._flush_all()
        self._session.log(f"{self.title} >", "end of what the relay writes")
        self._socket.shutdown(1)

    def end(self):
        """The relay closes. What was written before reaches the client."""
        self._flush_all()
        self.close()

    def _flush_all(self):
        self._session.wait(lambda: not self._out, f"{self.title}: the client to read what was written")

    def close(self):
        """The relay is gone; what the socket does not take at once is lost."""
        if self._socket:
            self._flush()
            self._session.log(f"{self.title} >", "closed by the relay")
            self._is_reading = False
            self._out.clear()
            self._watch()
            self._socket.close()
            self._socket = None

    @property
    def gone(self):
        """The client has closed its end, or the relay has."""
        if not self._socket:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return any(mask & (select.POLLHUP | select.POLLERR) for _, mask in poll.poll(0))

    def _watch(self):
        """Tells the loop what to wait for."""
        mask = selectors.EVENT_READ if self._is_reading and not self.ended else 0
        mask |= selectors.EVENT_WRITE if self._out else 0
        if self._socket and mask != self._mask:
            self._session.watch(self._socket, mask, self._mask, self._on_ready)
            self._mask = mask


class _Line:
    """The text of a frame for the log, made only when it is read."""

    def __init__(self, kind, fields):
        self._frame = codec.Frame(kind, fields, ())

    def __str__(self):
        return str(self._frame)
