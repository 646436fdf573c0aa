"""An asyncio client for hubrelay: one file, no dependencies, Python 3.9 or newer. Copy it into your project.

    async with hubrelay.Client("/run/hubrelay/hubrelay.sock", name="worker-1") as client:
        await client.subscribe("room.7")
        await client.publish("room.7", b"hi")
        async for event in client: ...            # Message, Status, Loss, Revoked or Gap

On a Gap (messages may have been missed; the subscriptions are in force again) and on a Loss of messages, read again
from where it is stored what must not be missed. A Gap comes after a random delay, since all workers do so at once.
"""
import asyncio, collections, dataclasses, enum, io, itertools, random, time
from functools import partialmethod

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
    """Yields name and value of every field that is one of `kinds` and has its wire type; skips the others."""
    source = io.BytesIO(data)
    while source.tell() < len(data):
        number, wire = divmod(_read_varint(source), 8)
        value = _read_varint(source) if wire in (0, 2) else None
        content = source.read(size := {0: 0, 1: 8, 2: value, 5: 4}[wire])
        if len(content) < size or not 0 < number < 1 << 29:
            raise ValueError(f"field {number} of {size} bytes")
        name, kind = kinds[number - 1] if number <= len(kinds) else ("", None)
        if kind and wire == (0 if issubclass(kind, int) else 2):
            yield name, kind(value) if wire == 0 else _read(kind, content)

def _read(kind, data):
    if kind in (bytes, str, tuple):
        return data if kind is bytes else data.decode() if kind is str else (data.decode(),)
    values = {}
    for name, value in _fields(kind._kinds, data):
        values[name] = values.get(name, ()) + value if isinstance(value, tuple) else value
    return kind(**values)

def decode(body, kinds=RELAY_FRAME):
    """The frame in `body`, or None when it is of no kind that we know. Raises ProtocolError."""
    try:
        return [None, *(frame for _, frame in _fields([("", kind) for kind in kinds], body))][-1]
    except (LookupError, OverflowError, ValueError) as error:
        raise ProtocolError(Code.MALFORMED, str(error)) from error

async def read_body(reader, limit):
    """The next frame's body from a StreamReader. Raises ProtocolError, and IncompleteReadError at the end."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    if not 0 < length <= limit:
        raise ProtocolError(Code.FRAME_TOO_LARGE if length else Code.MALFORMED, f"length {length}")
    return await reader.readexactly(length)

class Client:
    """A connection to the relay that heals itself. Up to `backlog` events wait for the application; then the socket is
    left unread or, while a request awaits its Reply, messages are dropped and counted in a Loss. At most
    `max_unanswered` publishes await their Reply. A Gap comes up to `gap_jitter` seconds after receiving again."""
    def __init__(self, path="/run/hubrelay/hubrelay.sock", name="", *,
                 backlog=1000, max_unanswered=10000, gap_jitter=2):
        self.status = self._dropped = None  # status: the relay's last one; None while not connected to the relay
        self.features = ()  # what is possible at the relay that it was connected to last: "patterns", ...
        self._path, self._hello, self._backlog = path, encode(Hello(1, name)), backlog
        self._held, self._events, self._replies, self._ids = set(), collections.deque(), {}, itertools.count(1)
        self._unanswered, self._max_unanswered, self._gaps, self._jitter = 0, max_unanswered, 0, gap_jitter
        self._gap = self._gap_timer = None  # _gap: why messages may have been missed, until that is told

    async def __aenter__(self):
        """Connects; raises OSError or EOFError if that fails. From then on the client reconnects by itself."""
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        await self._connect()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        self.status = None
        self._lost("closed by the application")  # what has been written still goes out, for up to a second
        await asyncio.wait({asyncio.gather(self._task, self._writer.wait_closed(), return_exceptions=True)}, timeout=1)
        self._arrived.set()

    __aiter__ = lambda self: self
    async def __anext__(self):
        while not self._events:
            if self._task.done():
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        self._room.set()
        return self._events.popleft()

    async def publish(self, channel, payload):
        """Returns how many Redis clients received it: relays, not workers. Raises RequestError, or Congested."""
        return (await self._request(Publish, channel=channel, payload=payload)).receivers

    def publish_nowait(self, channel, payload):
        """Without Reply: what Redis does not take is counted in a Loss. Raises RequestError, Congested."""
        self._write(Publish(channel, payload))

    async def _request(self, kind, **fields):
        frame = kind(id=next(self._ids), **fields)
        self._write(frame)
        waiter = asyncio.get_running_loop().create_future()
        self._replies[frame.id] = waiter, kind, _names(frame)
        self._unanswered += kind is Publish
        self._room.set()  # a Reply must not wait behind events
        reply = await asyncio.shield(waiter)  # a caller that gives up does not make the Reply a surprise
        if reply.outcome not in (Outcome.OK, Outcome.PENDING):
            raise RequestError(reply.outcome, reply.detail, reply.channels, reply.patterns)
        return reply

    async def _ask(self, request, kind, *names):
        """Outcome.OK: in force. PENDING: will be, once the relay receives again. RequestError: not subscribed."""
        self._held -= {(kind, name) for name in names} if request is Unsubscribe else set()
        return (await self._request(request, **{kind: names})).outcome

    ping = partialmethod(_request, Ping)
    subscribe, psubscribe = partialmethod(_ask, Subscribe, "channels"), partialmethod(_ask, Subscribe, "patterns")
    unsubscribe = partialmethod(_ask, Unsubscribe, "channels")
    punsubscribe = partialmethod(_ask, Unsubscribe, "patterns")

    def _write(self, frame):
        if not self.status or self._writer.transport.is_closing():
            self._room.set()  # so that the end of the connection is seen
            raise RequestError(Outcome.NOT_CONNECTED, "no connection to the relay")
        unsent, limit = self._writer.transport.get_write_buffer_size(), (16 if frame.id else 1) << 20  # bytes
        if isinstance(frame, Publish) and (unsent > limit or frame.id and self._unanswered >= self._max_unanswered):
            raise Congested(f"{self._unanswered} publishes await their Reply, and {unsent} bytes the relay")
        data = encode(frame)
        if len(data) > 4 + self._limit:
            raise RequestError(Outcome.INVALID, f"a frame of {len(data)} bytes is more than the relay takes")
        self._writer.write(data)

    async def _connect(self):
        self._reader, self._writer = await asyncio.open_unix_connection(self._path)
        try:
            self._writer.write(self._hello)
            asyncio.get_running_loop().call_later(5, lambda writer: self.status or writer.close(), self._writer)
            self._take(decode(await read_body(self._reader, 65536)))  # wait_for may swallow the cancellation at the end
        finally:
            self.status or self._writer.close()

    async def _run(self, delay=0.05):
        while True:
            began = time.monotonic()
            try:
                if not self.status:
                    await self._connect()
                self._restoring = asyncio.create_task(self._restore(list(self._held)))
                self._restoring.add_done_callback(lambda _: self._take(self.status))
                while True:
                    self._take(decode(await read_body(self._reader, self._limit)))
                    await self._room.wait()
            except Exception as error:  # whatever it is: tell it, and begin again
                self._lost(f"connection to the relay: {'closed' if isinstance(error, EOFError) else error}")
            delay = 0.05 if time.monotonic() - began > 5 else min(2 * delay, 2)
            await asyncio.sleep(random.uniform(0, delay))

    async def _restore(self, held):
        """Subscribes again, by halves where that is refused or too large; what is not granted is told as Revoked."""
        held = [entry for entry in held if entry in self._held]
        channels, patterns = (tuple(name for kind, name in held if kind == k) for k in ("channels", "patterns"))
        try:
            if held:
                await self._request(Subscribe, channels=channels, patterns=patterns)
        except RequestError as error:
            if self.status and len(held) > 1:
                await self._restore(held[::2])
                await self._restore(held[1::2])
            elif self.status:
                self._take(Revoked(channels, patterns, error.detail))

    def _take(self, frame):
        if isinstance(frame, Error):
            raise ConnectionError(f"{frame.code.name}: {frame.detail}")
        if isinstance(frame, Welcome):
            self.features = frame.features
            self.status, self._gaps, self._limit = frame.status, frame.status.gaps, frame.max_frame_bytes
        if isinstance(frame, Reply) and frame.id in self._replies:
            waiter, kind, names = self._replies.pop(frame.id)
            waiter.set_result(frame)
            self._unanswered -= kind is Publish
            self._held -= names if kind is Unsubscribe else set()
            if kind is Subscribe and frame.outcome in (Outcome.OK, Outcome.PENDING):
                self._held |= names
                self._gap = self._gap or frame.outcome != Outcome.OK and "subscribed while not receiving"
        if isinstance(frame, Status):
            self._gap = self._gap or bool(self._held) and frame.gaps > self._gaps and (frame.reason or "not receiving")
            self.status, self._gaps = frame, frame.gaps
            self._consider_gap()
            if frame.state == State.STOPPING:
                asyncio.get_running_loop().call_later(1, self._writer.close)
        if isinstance(frame, Revoked):
            self._held -= _names(frame)
        if isinstance(frame, Message) and self._replies and len(self._events) > self._backlog:
            lost = self._events.pop().messages if self._events[-1] is self._dropped else 0
            frame = self._dropped = Loss(messages=lost + 1, reason="read too slowly", cause=Cause.SLOW_READER)
        if isinstance(frame, (Message, Loss, Revoked, Gap)) or isinstance(frame, Status) and self._restoring.done():
            if len(self._events) > self._backlog and not isinstance(self._events[0], (Message, Gap)):
                self._events.popleft()  # nobody looks, and the newest tells more
            self._events.append(frame)
            self._arrived.set()
        (self._room.set if self._replies or len(self._events) <= self._backlog else self._room.clear)()

    def _consider_gap(self):
        """A gap is told a random time after receiving again; if that breaks off sooner, it is one with the next."""
        if not (self._gap and self.status and self.status.receiving and self._restoring.done()):
            self._gap_timer = self._gap_timer and self._gap_timer.cancel()
        elif not self._gap_timer:
            self._gap_timer = asyncio.get_running_loop().call_later(random.uniform(0, self._jitter), self._tell_gap)

    def _tell_gap(self):
        gap, self._gap, self._gap_timer = Gap(self._gap), None, None
        self._take(gap if self._held and not any(isinstance(event, Gap) for event in self._events) else None)

    def _lost(self, reason):
        self._writer.close()
        self._gap = self._gap or bool(self._held) and reason
        for id in list(self._replies):
            self._take(Reply(id, Outcome.INTERRUPTED, detail=reason))
        self._take(self.status and Status(State.DOWN, reason, int(time.time() * 1000), cause=Cause.CLOSED))
        self.status = None
