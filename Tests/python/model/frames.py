"""Random frames: legal ones of every kind and size, in every form that protobuf allows, and illegal ones."""
import itertools

import wire
from wire import Code

from .names import FENCE
from .requests import MAX_ID

CHANNELS = [*(f"c.{number}" for number in range(8)), "käse.☃", "with space", "line\nbreak", "nul\0byte", "c.*",
            "{tag}.a", "[0-3]", "x" * 512, "ü" * 256]
FENCES = [FENCE + "1", FENCE + "2", FENCE + "f" * 64]
PATTERNS = ["*", "c.*", "c.?", "c.[0-3]", "c.[^0-3]", "u.*", "m.1*", "?*", "c.\\*", "käse*", "k?se*", "**", "*.?",
            "[", "[abc", "\\", "x*", "n" * 512, "*\n*", "{tag}.*"]
#: Names that no request may have.
BAD_CHANNELS = ["", "x" * 513, "ü" * 257, "__hubrelay:", "__hubrelay:probe:x", FENCE, FENCE + "f" * 65]
BAD_PATTERNS = ["", "x" * 513, "__hubrelay:*", FENCE + "*", FENCE + "1"]


def varint(number, padding=0):
    """A varint, longer than need be by `padding` bytes."""
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    data.append(number)
    for _ in range(min(padding, 10 - len(data))):
        data[-1] |= 128
        data.append(0)
    return bytes(data)


def framed(body):
    return len(body).to_bytes(4, "big") + body


def judge(body):
    """The frame that a body is, or the Code of the Error that it must end in."""
    try:
        frame = wire.decode(body, wire.CLIENT_FRAME)
    except wire.ProtocolError:
        return Code.MALFORMED
    if frame is None:
        return Code.MALFORMED
    return Code.HELLO_EXPECTED if isinstance(frame, wire.Hello) else frame


class Frames:
    """The frames of one connection."""

    def __init__(self, rng, connection, tokens):
        self.random, self._connection, self._tokens = rng, connection, tokens
        self._limits, self._records = connection.model.limits, connection.model.records
        self._ids = itertools.count(1)

    def next_id(self):
        """One that no unanswered request has."""
        return next(id for id in self._ids if id not in self._connection.pending)

    # MARK: Legal

    def legal(self):
        """A frame and its bytes."""
        kinds = (self._publish, self._subscribe, self._unsubscribe, self._ping, self._wrong, self._many, self._mutant)
        kind, = self.random.choices(kinds, (60, 10, 8, 12, 6, 1, 3))
        frame = kind()
        if isinstance(frame, tuple):
            return frame
        if self._is_known(frame):
            return self.legal()   # a mutant was here before
        return frame, self._encode(frame)

    def _is_known(self, frame):
        """Whether another publish is the same, so that nobody could tell the two apart."""
        return isinstance(frame, wire.Publish) and not self._records.is_new(frame.channel.encode(), frame.payload)

    def _id(self):
        chance = self.random.random()
        if chance < 0.25:
            return 0
        if chance < 0.95:
            return self.next_id()
        if chance < 0.98:
            id = self.random.choice((MAX_ID, self.random.randrange(1 << 40, MAX_ID), 1 << 32))
        else:
            id = self.random.choice((MAX_ID + 1, (1 << 64) - 1, self.random.randrange(MAX_ID + 1, 1 << 64)))
        return self.next_id() if id in self._connection.pending else id

    def _channels(self):
        has_fences = "fence" in self._connection.features
        return CHANNELS + FENCES if has_fences else CHANNELS

    def _publish(self):
        chance, most = self.random.random(), self._limits.max_payload
        if chance < 0.06:
            return wire.Publish(f"u.{next(self._tokens)}", b"", self._id())
        size = self.random.randrange(8, 300)
        if chance < 0.09:
            size = self.random.randrange(300, most)
        elif chance < 0.10:
            size = most
        return wire.Publish(self.random.choice(self._channels()), self._payload(size), self._id())

    def _payload(self, size):
        """One that no other publish has: its number, and random bytes."""
        head = b"%d:" % next(self._tokens)
        return head + self.random.randbytes(max(0, size - len(head)))

    def _names(self):
        rng = self.random
        names = rng.choices(self._channels(), k=rng.choice((0, 1, 1, 2, 5)))
        patterns = rng.choices(PATTERNS, k=rng.choice((0, 0, 1, 1, 3)))
        if not names and not patterns:
            names = [f"m.{rng.randrange(100)}"]
        return tuple(names), tuple(patterns)

    def _subscribe(self):
        return wire.Subscribe(self._id(), *self._names())

    def _unsubscribe(self):
        return wire.Unsubscribe(self._id(), *self._names())

    def _ping(self):
        settled = "settled" in self._connection.features and self.random.random() < 0.3
        pings = [id for id, queue in itertools.islice(self._connection.pending.items(), 20) if queue[0].kind == "Ping"]
        id = self.random.choice(pings) if pings and self.random.random() < 0.05 else self._id()
        return wire.Ping(id, settled)

    def _wrong(self):
        """A frame that is well formed, and answered with INVALID."""
        rng = self.random
        kind = rng.randrange(5)
        if kind == 0:
            return wire.Publish(rng.choice(BAD_CHANNELS), self._payload(20), self._id())
        if kind == 1:
            size = self._limits.max_payload + rng.choice((1, 2, 1000, 3500))
            return wire.Publish("c.1", self._payload(size), self._id())
        request = rng.choice((wire.Subscribe, wire.Unsubscribe))
        if kind == 2:
            return request(self._id(), (), ())
        channels, patterns = map(list, self._names())
        if kind == 3:
            channels.insert(rng.randrange(len(channels) + 1), rng.choice(BAD_CHANNELS))
        else:
            patterns.insert(rng.randrange(len(patterns) + 1), rng.choice(BAD_PATTERNS))
        return request(self._id(), tuple(channels), tuple(patterns))

    def _many(self):
        """Thousands of names in one request, or one name thousands of times."""
        rng = self.random
        room, most = self._limits.max_frame - 64, 2 * self._limits.max_names
        request = rng.choice((wire.Subscribe, wire.Unsubscribe))
        if rng.random() < 0.4:
            name = rng.choice(self._channels())
            count = min(rng.randrange(100, 20000), room // (len(name.encode()) + 4))
            names = (name,) * count
        else:
            names = tuple(f"m.{number}" for number in range(rng.randrange(most + 1) * room // (12 * most + room)))
        return request(self._id(), names, ()) if rng.random() < 0.8 else request(self._id(), (), names[:500])

    def _mutant(self):
        """A legal frame with some bytes changed, if it is legal still."""
        for _ in range(10):
            found, data = self._mutated()
            if not isinstance(found, Code):
                return found, data
        return self._ping()

    def _mutated(self):
        rng = self.random
        frame = rng.choice((self._publish, self._subscribe, self._ping, self._wrong))()
        body = bytearray(self._encode(frame)[4:])
        for _ in range(rng.choice((1, 1, 2, 5))):
            body[rng.randrange(len(body))] = rng.randrange(256)
        found = judge(bytes(body))
        if isinstance(found, Code):
            return found, framed(bytes(body))
        if not isinstance(found, Code) and found.id in self._connection.pending:
            return Code.UNSPECIFIED, b""   # nobody could tell whose the Reply is
        if self._is_known(found):
            return Code.UNSPECIFIED, b""
        return found, framed(bytes(body))

    # MARK: Forms

    def _encode(self, frame):
        """As every client writes it, or in another of the forms that protobuf allows."""
        if self.random.random() < 0.7 or len(getattr(frame, "channels", ())) > 50:
            return wire.encode(frame)
        rng, kinds = self.random, list(vars(frame).values())
        fields = []
        for number, value in enumerate(kinds, 1):
            if isinstance(value, tuple):
                fields.append([self._field(number, item) for item in value])
            else:
                before = [self._field(number, value)] if rng.random() < 0.1 else []
                fields.append(before + ([self._field(number, value)] if value or rng.random() < 0.5 else []))
        fields += [[self._unknown()] for _ in range(rng.choice((0, 0, 1, 3)))]
        rng.shuffle(fields)
        content = b"".join(part for each in fields for part in each)
        number = wire.CLIENT_FRAME.index(type(frame)) + 1
        body = varint(number << 3 | 2, rng.choice((0, 0, 2))) + varint(len(content), rng.choice((0, 0, 3))) + content
        if rng.random() < 0.1:
            body = self._unknown(20) + body
        if len(body) > self._limits.max_frame:
            return wire.encode(frame)
        assert judge(body) == frame, (frame, body)
        return framed(body)

    def _field(self, number, value):
        padding = self.random.choice((0, 0, 0, 1, 9))
        if isinstance(value, int):
            return varint(number << 3, padding) + varint(int(value), padding)
        data = value.encode() if isinstance(value, str) else value
        return varint(number << 3 | 2, padding) + varint(len(data), padding) + data

    def _unknown(self, least=9):
        """A field that no version has, to be skipped."""
        rng = self.random
        number, data = rng.choice((least, 200, (1 << 29) - 1)), rng.randbytes(rng.randrange(12))
        kind, content = rng.choice(((0, varint(rng.randrange(1 << 64))), (1, rng.randbytes(8)),
                                    (2, varint(len(data)) + data), (5, rng.randbytes(4))))
        return varint(number << 3 | kind) + content

    # MARK: Illegal

    def illegal(self):
        """Bytes after which the connection must end, and the Code of the Error."""
        rng = self.random
        kind = rng.randrange(8)
        if kind == 0:
            return Code.MALFORMED, bytes(4)
        if kind == 1:
            length = rng.choice((self._limits.max_frame + 1, 0xFFFFFFFF, 1 << 31))
            return Code.FRAME_TOO_LARGE, length.to_bytes(4, "big") + rng.randbytes(rng.randrange(50))
        if kind == 2:
            return Code.HELLO_EXPECTED, wire.encode(wire.Hello(1, "again"))
        if kind == 3:
            return Code.MALFORMED, framed(self._unknown(6) if rng.random() < 0.8 else varint(1 << 3) + b"\1")
        if kind == 4:
            channel = rng.choice((b"\xff", b"a\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"caf\xc3"))
            field = self._field(1 if rng.random() < 0.5 else 2, channel)
            number = 2 if field[0] & 127 == 10 else 3
            return Code.MALFORMED, framed(self._field(number, field + self._field(3, b"c" if number == 3 else 1)))
        if kind == 5:
            content = rng.choice((b"\x03", b"\x0c", b"\x0e", b"\x0f", b"\0\0", b"\x08" + b"\xff" * 10, b"\x0a\x7f",
                               b"\x09\0"))
            return Code.MALFORMED, framed(self._field(rng.randrange(2, 6), content))
        for _ in range(100):
            code, data = self._mutated()
            if isinstance(code, Code) and code != Code.UNSPECIFIED:
                return code, data
        return Code.MALFORMED, bytes(4)

    def greeting(self):
        """What a connection begins with: an expected Code or None, and the bytes."""
        rng = self.random
        kind, = rng.choices(range(6), (50, 2, 2, 2, 1, 1))
        if kind == 0:
            version = rng.choice((1, 1, 2, (1 << 32) - 1))
            return None, wire.encode(wire.Hello(version, self._connection.name[-40:] + "é" * rng.randrange(12)))
        if kind == 1:
            return Code.VERSION, wire.encode(wire.Hello(rng.choice((0, 1 << 32)), "old"))
        if kind == 2:
            return Code.MALFORMED, wire.encode(wire.Hello(1, "n" * 65))
        if kind == 3:
            return Code.HELLO_EXPECTED, wire.encode(rng.choice((wire.Ping(1), wire.Subscribe(1, ("a",)))))
        if kind == 4:
            return Code.FRAME_TOO_LARGE, (4097).to_bytes(4, "big")
        return Code.MALFORMED, framed(b"\xff" * 20)
