"""An asyncio client for hubrelay: one file, no dependencies, Python 3.9 or newer. Copy it into your project.

    async with hubrelay.Client("/run/hubrelay/hubrelay.sock", name="worker-1") as client:
        await client.subscribe("room.7")
        await client.publish("room.7", b"hi")
        async for event in client: ...            # Message, Status, Loss, Revoked or Gap

On a Gap (messages may have been missed; the subscriptions are in force again) and on a Loss of messages, read again
from where it is stored what must not be missed. A Gap comes after a random delay, since all workers do so at once.
"""
import asyncio, collections, contextlib, dataclasses, enum, io, itertools, random, time
from functools import partialmethod

MAX_NAME_BYTES = 64  # of a client's name, in UTF-8
_FIRST_DELAY, _LAST_DELAY = 0.05, 2  # seconds between two attempts to connect: at first, and at most
_WELCOME_SECONDS = 5   # for a relay to say Welcome
_OVERLAP_SECONDS = 0.25  # for the next relay to say Welcome, while the one that is STOPPING goes on serving
_DRAIN_SECONDS = 8     # to read to its end what a relay that is STOPPING owes
_CLOSING_SECONDS = 1   # for what was published to be answered, when the application closes the client

class _Enum(enum.IntEnum):
    @classmethod
    def _missing_(cls, number):  # A newer relay's value keeps its number, and equals none that we know.
        member = int.__new__(cls, number)
        member._name_, member._value_ = f"UNKNOWN_{number}", number
        return member
class Outcome(_Enum):
    UNSPECIFIED, OK, PENDING, NOT_CONNECTED, INTERRUPTED, REFUSED, INVALID, LIMIT = range(8)
class State(_Enum):
    UNSPECIFIED, UP, DEGRADED, DOWN, STOPPING = range(5)
class Code(_Enum):
    UNSPECIFIED, MALFORMED, FRAME_TOO_LARGE, HELLO_EXPECTED, VERSION, NOT_ALLOWED, TOO_MANY, TIMEOUT = range(8)
class Cause(_Enum):
    UNSPECIFIED, SLOW_READER, TOO_LARGE, BAD_NAME, NOT_CONNECTED, REFUSED, INVALID = range(7)
    STARTING, STOPPING, UNREACHABLE, CLOSED, TIMEOUT, AUTH, TLS = range(16, 23)
    BUSY, DEMOTED, PROBE, PROTOCOL, TOPOLOGY, NO_RELAY = range(23, 29)
class ProtocolError(ValueError): """Bytes that are no frame: a Code and a text."""
class Congested(Exception): """A publish that was not sent: too much already waits for the relay, or for Replies."""

class RequestError(Exception):
    """A request that was not granted. A publish whose `outcome` is INTERRUPTED may have been delivered, others not."""
    def __init__(self, outcome, detail="", channels=(), patterns=()):
        super().__init__(f"{outcome.name}: {detail}")
        self.outcome, self.detail, self.channels, self.patterns = outcome, detail, channels, patterns

def _frame(name, **fields):
    """A message of hubrelay.proto as a dataclass; its n-th field has number n there."""
    columns = [(field, kind, kind(0) if issubclass(kind, int) else kind()) for field, kind in fields.items()]
    return dataclasses.make_dataclass(name, columns, frozen=True, namespace={"_kinds": [*fields.items()]})
_UInt32 = type("_UInt32", (int,), {"__new__": lambda cls, number: int.__new__(cls, number & 0xFFFFFFFF)})
Hello = _frame("Hello", version=_UInt32, client_name=str)
Publish = _frame("Publish", channel=str, payload=bytes, id=int)
Subscribe, Unsubscribe = (_frame(n, id=int, channels=tuple, patterns=tuple) for n in ("Subscribe", "Unsubscribe"))
Ping = _frame("Ping", id=int, settled=bool)
CLIENT_FRAME = (Hello, Publish, Subscribe, Unsubscribe, Ping)  # the n-th kind has number n
Message = _frame("Message", channel=str, payload=bytes, pattern=str)
Reply = _frame("Reply", id=int, outcome=Outcome, receivers=int, detail=str, channels=tuple, patterns=tuple)
Status = _frame("Status", state=State, reason=str, since_unix_ms=int, outages=int, down_ms=int, publishing=bool,
                receiving=bool, gaps=int, cause=Cause)
Loss = _frame("Loss", publishes=int, messages=int, reason=str, publishes_unknown=int, cause=Cause)
Error = _frame("Error", code=Code, detail=str)
Revoked = _frame("Revoked", channels=tuple, patterns=tuple, detail=str)
Welcome = _frame("Welcome", version=_UInt32, relay_version=str, relay_id=str, max_frame_bytes=_UInt32, status=Status,
                 max_payload_bytes=_UInt32, features=tuple)
Gap = _frame("Gap", reason=str)  # no frame: the client's own event
RELAY_FRAME = (Welcome, Message, Reply, Status, Loss, Error, Revoked)

_names = lambda frame: {(kind, name) for kind in ("channels", "patterns") for name in getattr(frame, kind, ())}
def _varint(number):
    return bytes((number,)) if number < 128 else bytes((number & 127 | 128,)) + _varint(number >> 7)
def _field(number, value):
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data

def encode(frame):
    """A client's frame as it goes to the socket, its length in front."""
    body = b"".join(_field(number, item) for number, value in enumerate(vars(frame).values(), 1) if value
                    for item in (value if isinstance(value, tuple) else (value,)))
    body = _field(CLIENT_FRAME.index(type(frame)) + 1, body)
    return len(body).to_bytes(4, "big") + body

def _read_varint(source, bits=64):
    mask, byte = (1 << bits) - 1, source.read(1)[0]  # ValueError at the eleventh byte, IndexError at the end
    return (byte & 127 | (_read_varint(source, bits - 7) << 7 if byte > 127 else 0)) & mask
def _fields(kinds, data):
    """Yields name, kind and content of every field that is one of `kinds` and has its wire type; skips the others."""
    source = io.BytesIO(data)
    while source.tell() < len(data):
        number, wire = divmod(_read_varint(source), 8)
        value = _read_varint(source) if wire in (0, 2) else None
        content = source.read(size := {0: 0, 1: 8, 2: value, 5: 4}[wire])
        if len(content) < size or not 0 < number < 1 << 29:
            raise ValueError(f"field {number} of {size} bytes")
        name, kind = kinds[number - 1] if number <= len(kinds) else ("", None)
        if kind and wire == (0 if issubclass(kind, int) else 2):
            yield name, kind, value if wire == 0 else content

def _read(kind, content, before):
    """A field's value, where `before` is that of an earlier occurrence or None: lists and messages are merged."""
    if issubclass(kind, _Enum):
        return kind((content + (1 << 31)) % (1 << 32) - (1 << 31))
    if kind is bytes or issubclass(kind, int):
        return kind(content)
    if kind in (str, tuple):
        return content.decode() if kind is str else (before or ()) + (content.decode(),)
    values = dict(vars(before)) if before else {}
    for name, inner, value in _fields(kind._kinds, content):
        values[name] = _read(inner, value, values.get(name))
    return kind(**values)

def decode(body, kinds=RELAY_FRAME):
    """The frame in `body`, or None when it is of no kind that we know. Raises ProtocolError."""
    frame = None
    try:
        for _, kind, content in _fields([("", kind) for kind in kinds], body):
            frame = _read(kind, content, frame if type(frame) is kind else None)
    except (LookupError, OverflowError, ValueError) as error:
        raise ProtocolError(Code.MALFORMED, str(error)) from error
    return frame

async def read_body(reader, limit):
    """The next frame's body from a StreamReader. Raises ProtocolError, and IncompleteReadError at the end."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    if not 0 < length <= limit:
        raise ProtocolError(Code.FRAME_TOO_LARGE if length else Code.MALFORMED, f"length {length}")
    return await reader.readexactly(length)

class _Connection:
    """A socket to a relay that has said Welcome, and the requests on it that await their Reply."""

    def __init__(self, reader, writer, welcome):
        self.reader, self.writer, self.welcome = reader, writer, welcome
        self.replies = {}          # by id: the future of the Reply, the kind of the request, its names
        self.in_force = set()      # the names whose Messages come on this connection, as (kind, name)
        self.is_unsettled = False  # something was published without id since the last Ping with `settled`
        self.stopping = asyncio.get_running_loop().create_future()  # done once the relay has said STOPPING
        self.reading = None        # the task that reads; it ends with the connection

    @classmethod
    async def open(cls, path, hello):
        """Raises OSError or EOFError: there is no relay, or it does not let this peer in, or says nothing."""
        reader, writer = await asyncio.open_unix_connection(path)
        # wait_for may swallow a cancellation, so the deadline is the end of the socket.
        deadline = asyncio.get_running_loop().call_later(_WELCOME_SECONDS, writer.close)
        try:
            writer.write(hello)
            frame = decode(await read_body(reader, 65536))
            if isinstance(frame, Error):
                raise ConnectionError(f"{frame.code.name}: {frame.detail}")
            if not isinstance(frame, Welcome):
                raise ConnectionError("the first frame is no Welcome")
            return cls(reader, writer, frame)
        except BaseException:
            writer.close()
            raise
        finally:
            deadline.cancel()

    async def drain(self, seconds):
        """Shuts the writing side and reads to the end: the Replies and Losses that the relay owes come before it."""
        self.writer.write_eof()
        await asyncio.wait({self.reading}, timeout=seconds)
        self.reading.cancel()


class Client:
    """A connection to the relay that heals itself. Up to `backlog` events wait for the application; then the socket is
    left unread or, while a request awaits its Reply, messages are dropped and counted in a Loss. At most
    `max_unanswered` publishes await their Reply. A Gap comes up to `gap_jitter` seconds after receiving again.

    Raises ValueError for a `name` of more than 64 bytes of UTF-8: no relay would take it.
    """
    def __init__(self, path="/run/hubrelay/hubrelay.sock", name="", *,
                 backlog=1000, max_unanswered=10000, gap_jitter=2):
        if len(name.encode()) > MAX_NAME_BYTES:
            raise ValueError(f"the name has {len(name.encode())} bytes, and {MAX_NAME_BYTES} are the most: {name}")
        self.status = None  # the relay's last one; None while not connected to the relay
        self.features = ()  # what is possible at the relay that it was connected to last: "patterns", ...
        self._path, self._hello = path, encode(Hello(1, name))
        self._delay = _FIRST_DELAY
        self._connection = None  # where requests go; None while not connected to a relay
        self._left = None        # the connection to a relay that was STOPPING, which is read to its end
        self._held = set()       # the names to be subscribed to, as (kind, name)
        self._ids = itertools.count(1)
        self._owed = self._unanswered = 0  # requests that await their Reply, and the publishes among them
        self._max_unanswered = max_unanswered
        self._events, self._backlog, self._is_closed = collections.deque(), backlog, False
        self._dropped = None     # the last Loss of messages that the client dropped itself
        self._told = None        # the last Status that was told
        self._gaps, self._jitter = 0, gap_jitter
        self._gap = self._gap_timer = None  # _gap: why messages may have been missed, until that is told

    async def __aenter__(self):
        """Connects; raises OSError or EOFError if that fails. From then on the client reconnects by itself."""
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        connection = await _Connection.open(self._path, self._hello)
        self._adopt(connection)
        self._task = asyncio.create_task(self._run(connection))
        return self

    async def __aexit__(self, *_):
        """Ends the client. What was published is answered, or told in a Loss, first: for up to a second."""
        self._task.cancel()
        closing = [each for each in (self._connection, self._left) if each and not each.reading.done()]
        self._connection = self.status = None
        self._room.set()
        tasks = [self._task, *(asyncio.create_task(self._finish(connection)) for connection in closing)]
        try:
            await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)
        finally:
            tasks += [connection.reading for connection in closing]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._is_closed = True
            self._arrived.set()

    async def _finish(self, connection):
        # An end of the stream may also be that of a relay that died. The Reply to this Ping proves that nothing is owed.
        if "settled" in connection.welcome.features and (connection.replies or connection.is_unsettled):
            with contextlib.suppress(RequestError):
                await self._request_on(connection, Ping, settled=True)
        await connection.drain(_CLOSING_SECONDS)

    __aiter__ = lambda self: self
    async def __anext__(self):
        while not self._events:
            if self._is_closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        self._room.set()
        return self._events.popleft()

    # Requests

    async def publish(self, channel, payload):
        """Returns how many Redis clients received it: relays, not workers. Raises RequestError, or Congested."""
        return (await self._request(Publish, channel=channel, payload=payload)).receivers

    def publish_nowait(self, channel, payload):
        """Without Reply: what Redis does not take is counted in a Loss. Raises RequestError, Congested."""
        connection = self._connected()
        self._write(connection, Publish(channel, payload))
        connection.is_unsettled = True

    async def ping(self, settled=False):
        """Returns once the relay has answered. With `settled`, which the relay must have among its `features`, all that
        was published before is answered or told in a Loss by then. Raises RequestError."""
        if settled and "settled" not in self._connected().welcome.features:
            raise RequestError(Outcome.INVALID, 'the relay lacks the feature "settled"')
        return await self._request(Ping, settled=settled)

    async def _ask(self, request, kind, *names):
        """Outcome.OK: in force. PENDING: will be, once the relay receives again. RequestError: not subscribed."""
        self._held -= {(kind, name) for name in names} if request is Unsubscribe else set()
        return (await self._request(request, **{kind: names})).outcome

    subscribe, psubscribe = partialmethod(_ask, Subscribe, "channels"), partialmethod(_ask, Subscribe, "patterns")
    unsubscribe = partialmethod(_ask, Unsubscribe, "channels")
    punsubscribe = partialmethod(_ask, Unsubscribe, "patterns")

    async def _request(self, kind, **fields):
        return await self._request_on(self._connected(), kind, **fields)

    async def _request_on(self, connection, kind, **fields):
        frame = kind(id=next(self._ids), **fields)
        self._write(connection, frame)
        if kind is Ping and frame.settled:
            connection.is_unsettled = False
        waiter = asyncio.get_running_loop().create_future()
        connection.replies[frame.id] = waiter, kind, _names(frame)
        self._owed += 1
        self._unanswered += kind is Publish
        self._room.set()  # a Reply must not wait behind events
        reply = await asyncio.shield(waiter)  # a caller that gives up does not make the Reply a surprise
        if reply.outcome not in (Outcome.OK, Outcome.PENDING):
            raise RequestError(reply.outcome, reply.detail, reply.channels, reply.patterns)
        return reply

    def _connected(self):
        if not self._connection:
            raise RequestError(Outcome.NOT_CONNECTED, "no connection to the relay")
        return self._connection

    def _write(self, connection, frame):
        transport = connection.writer.transport
        if transport.is_closing():
            self._room.set()  # so that the end of the connection is seen
            raise RequestError(Outcome.NOT_CONNECTED, "no connection to the relay")
        unsent, limit = transport.get_write_buffer_size(), (16 if frame.id else 1) << 20  # bytes
        if isinstance(frame, Publish) and (unsent > limit or frame.id and self._unanswered >= self._max_unanswered):
            raise Congested(f"{self._unanswered} publishes await their Reply, and {unsent} bytes the relay")
        data = encode(frame)
        if len(data) > 4 + connection.welcome.max_frame_bytes:
            raise RequestError(Outcome.INVALID, f"a frame of {len(data)} bytes is more than the relay takes")
        connection.writer.write(data)

    # Connections

    async def _run(self, connection):
        """Connects again, for ever, when the connection has ended or its relay is STOPPING."""
        while True:
            began = time.monotonic()
            await asyncio.wait({connection.reading, connection.stopping}, return_when=asyncio.FIRST_COMPLETED)
            if time.monotonic() - began > 5:
                self._delay = _FIRST_DELAY
            search = asyncio.create_task(self._find_next(connection))
            try:
                if not connection.reading.done():  # it serves on, until there is a next one
                    await asyncio.wait({search, connection.reading}, timeout=_OVERLAP_SECONDS,
                                       return_when=asyncio.FIRST_COMPLETED)
                if not search.done():
                    self._leave(connection)
                following = await search
            except asyncio.CancelledError:
                search.cancel()
                search.add_done_callback(lambda search: search.cancelled() or search.result().writer.close())
                raise
            self._adopt(following)
            await asyncio.wait({self._restoring})  # until then what is held comes on the former one, if that still lives
            self._leave(connection)
            connection = following

    async def _find_next(self, connection):
        """The connection after this one. Tries for ever, with a delay that doubles, and full jitter."""
        is_stopping = connection.stopping.done()
        delay = 0 if is_stopping else self._delay
        while True:
            await asyncio.sleep(random.uniform(0, delay))
            delay, self._delay = self._delay, min(2 * self._delay, _LAST_DELAY)
            with contextlib.suppress(Exception):  # whatever it is: try again
                found = await _Connection.open(self._path, self._hello)
                if found.welcome.status.state != State.STOPPING and not (
                        is_stopping and found.welcome.relay_id == connection.welcome.relay_id):
                    return found
                found.writer.close()

    def _adopt(self, connection):
        """From here on requests go to this connection, and what is held is asked for there."""
        if self._connection:
            self._miss("changed to another relay")
        self._connection, welcome = connection, connection.welcome
        self.status, self.features, self._gaps = welcome.status, welcome.features, welcome.status.gaps
        connection.reading = asyncio.create_task(self._read(connection))
        self._restoring = asyncio.create_task(self._restore(connection, list(self._held)))
        self._restoring.add_done_callback(lambda _: self._take(connection, self.status))
        self._consider_gap()

    async def _restore(self, connection, held):
        """Subscribes again, by halves where that is refused or too large; what is not granted is told as Revoked."""
        held = [entry for entry in held if entry in self._held]
        channels, patterns = (tuple(name for kind, name in held if kind == k) for k in ("channels", "patterns"))
        if not held or connection is not self._connection:
            return
        try:
            await self._request_on(connection, Subscribe, channels=channels, patterns=patterns)
        except RequestError as error:
            if len(held) > 1:
                await self._restore(connection, held[::2])
                await self._restore(connection, held[1::2])
            elif error.outcome not in (Outcome.NOT_CONNECTED, Outcome.INTERRUPTED):  # else the next connection restores
                self._take(connection, Revoked(channels, patterns, error.detail))

    def _leave(self, connection):
        """Writes no more to a relay that is STOPPING, and reads what it owes, for some seconds at most."""
        if connection.reading.done():
            return
        if connection is self._connection:
            self._disconnect("the relay shuts down, and there is no other one yet")
        if self._left:
            self._left.reading.cancel()  # one at a time
        self._left = connection
        self._room.set()  # what is owed must not wait behind events
        self._draining = asyncio.create_task(connection.drain(_DRAIN_SECONDS))

    def _disconnect(self, reason):
        """Tells that there is no connection to a relay."""
        self._miss(reason)
        self._connection = self.status = None
        self._consider_gap()
        if not (self._told and self._told.cause == Cause.NO_RELAY):
            self._tell(Status(State.DOWN, reason, int(time.time() * 1000), cause=Cause.NO_RELAY))

    # What comes

    async def _read(self, connection):
        """Reads to the end of the connection. What is unanswered then is INTERRUPTED."""
        reason = "closed by the application"
        try:
            while True:
                self._take(connection, decode(await read_body(connection.reader, connection.welcome.max_frame_bytes)))
                if connection is self._connection:
                    await self._room.wait()
        except Exception as error:  # whatever it is: tell it, and begin again
            reason = f"connection to the relay: {'closed' if isinstance(error, EOFError) else error}"
        finally:
            connection.writer.close()
            for id in list(connection.replies):
                self._take_reply(connection, Reply(id, Outcome.INTERRUPTED, detail=reason))
            if connection is self._connection:
                self._disconnect(reason)

    def _take(self, connection, frame):
        """A frame of a connection. Of one that was left only Replies, Losses, and Messages that come on no other count."""
        is_current = connection is self._connection
        if isinstance(frame, Message):
            self._take_message(connection, frame)
        elif isinstance(frame, Reply):
            self._take_reply(connection, frame)
        elif isinstance(frame, Status) and is_current:
            self._take_status(connection, frame)
        elif isinstance(frame, Revoked) and is_current:
            self._held -= _names(frame)
            connection.in_force -= _names(frame)
            self._tell(frame)
        elif isinstance(frame, Loss):
            self._tell(frame)
        elif isinstance(frame, Error):
            raise ConnectionError(f"{frame.code.name}: {frame.detail}")

    def _take_message(self, connection, message):
        if connection is not self._connection:
            name = ("patterns", message.pattern) if message.pattern else ("channels", message.channel)
            if name not in self._held or self._connection and name in self._connection.in_force:
                return
        if len(self._events) > self._backlog and (self._owed or connection is not self._connection):
            lost = self._events.pop().messages if self._events[-1] is self._dropped else 0
            message = self._dropped = Loss(messages=lost + 1, reason="read too slowly", cause=Cause.SLOW_READER)
        self._tell(message)

    def _take_reply(self, connection, reply):
        if reply.id not in connection.replies:
            return
        waiter, kind, names = connection.replies.pop(reply.id)
        waiter.set_result(reply)
        self._owed -= 1
        self._unanswered -= kind is Publish
        if kind is Unsubscribe:
            self._held -= names
            connection.in_force -= names
        if kind is Subscribe and reply.outcome in (Outcome.OK, Outcome.PENDING):
            self._held |= names
            if reply.outcome == Outcome.OK:
                connection.in_force |= names
            else:
                self._miss("subscribed while not receiving")
            if self._connection and connection is not self._connection:  # answered by the relay that is left
                asyncio.create_task(self._restore(self._connection, names))
        self._consider_room()

    def _take_status(self, connection, status):
        if status.gaps > self._gaps:
            self._miss(status.reason or "not receiving")
        self.status, self._gaps = status, status.gaps
        self._consider_gap()
        if self._restoring.done():
            self._tell(status)
        if status.state == State.STOPPING and not connection.stopping.done():
            connection.stopping.set_result(None)

    # What is told

    def _tell(self, event):
        if len(self._events) > self._backlog and not isinstance(self._events[0], (Message, Gap)):
            self._events.popleft()  # nobody looks, and the newest tells more
        self._events.append(event)
        self._told = event if isinstance(event, Status) else self._told
        self._arrived.set()
        self._consider_room()

    def _consider_room(self):
        """Whether the socket is read: not while the application leaves its events, unless it awaits a Reply."""
        (self._room.set if self._owed or len(self._events) <= self._backlog else self._room.clear)()

    def _miss(self, reason):
        self._gap = self._gap or bool(self._held) and reason

    def _consider_gap(self):
        """A gap is told a random time after receiving again; if that breaks off sooner, it is one with the next."""
        if not (self._gap and self.status and self.status.receiving and self._restoring.done()):
            self._gap_timer = self._gap_timer and self._gap_timer.cancel()
        elif not self._gap_timer:
            self._gap_timer = asyncio.get_running_loop().call_later(random.uniform(0, self._jitter), self._tell_gap)

    def _tell_gap(self):
        gap, self._gap, self._gap_timer = Gap(self._gap), None, None
        if self._held and not any(isinstance(event, Gap) for event in self._events):
            self._tell(gap)
