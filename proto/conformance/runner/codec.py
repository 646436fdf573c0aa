"""Frames as bytes: the runner's own codec, so that no client is checked with its own mistakes.

Written after "How a body is read" of PROTOCOL.md. Names and numbers of the fields are those of hubrelay.proto.
"""

MAX_ID = 2**53 - 1
MAX_BEFORE_WELCOME = 4096  # bytes of a client's body

OUTCOMES = {"OK": 1, "PENDING": 2, "NOT_CONNECTED": 3, "INTERRUPTED": 4, "REFUSED": 5, "INVALID": 6, "LIMIT": 7}
UP, DEGRADED, DOWN, STOPPING = 1, 2, 3, 4  # State
SLOW_READER, NOT_CONNECTED, CLOSED, NO_RELAY = 1, 4, 19, 28  # Cause
VERSION, NOT_ALLOWED, TOO_MANY = 4, 5, 6  # Code

# The fields of each message in the order of their numbers, from 1. [] is a repeated string; a dict is a message.
_STATUS = {"state": int, "reason": str, "since_unix_ms": int, "outages": int, "down_ms": int, "publishing": bool,
           "receiving": bool, "gaps": int, "cause": int}
_NAMES = {"id": int, "channels": [], "patterns": []}
CLIENT_KINDS = {
    "hello": {"version": int, "client_name": str},
    "publish": {"channel": str, "payload": bytes, "id": int},
    "subscribe": _NAMES,
    "unsubscribe": _NAMES,
    "ping": {"id": int, "settled": bool},
}
RELAY_KINDS = {
    "welcome": {"version": int, "relay_version": str, "relay_id": str, "max_frame_bytes": int, "status": _STATUS,
                "max_payload_bytes": int, "features": []},
    "message": {"channel": str, "payload": bytes, "pattern": str},
    "reply": {"id": int, "outcome": int, "receivers": int, "detail": str, "channels": [], "patterns": []},
    "status": _STATUS,
    "loss": {"publishes": int, "messages": int, "reason": str, "publishes_unknown": int, "cause": int},
    "error": {"code": int, "detail": str},
    "revoked": {"channels": [], "patterns": [], "detail": str},
}


class Malformed(ValueError):
    """Bytes that are no frame. The text says why."""


class Frame:
    """A client's frame. Its fields are attributes; those that were not on the wire have their default."""

    def __init__(self, kind, fields, oddities):
        self.kind = kind
        self.fields = fields
        self.is_answered = False
        self.oddities = oddities  # what decoders must take, and encoders must not write: texts

    def __getattr__(self, name):
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(f"{self.kind} has no field {name}") from None

    @property
    def names(self):
        """The channels and patterns of a Subscribe or Unsubscribe in the form of the driver: c:room, p:user.*"""
        return {f"c:{name}" for name in self.channels} | {f"p:{name}" for name in self.patterns}

    def __str__(self):
        return self.kind + "".join(f" {name}={_short(value)}" for name, value in self.fields.items() if value)


_UNITS = {bytes: "bytes", list: "names", str: "characters"}


def _short(value):
    if isinstance(value, (bytes, list, str)) and len(value) > 60:
        return f"({len(value)} {_UNITS[type(value)]})"
    return repr(value)


# Encoding

def encode(kind, **fields):
    """The body of a relay's frame: no length in front, fields in the order of their numbers, defaults left out."""
    return field(list(RELAY_KINDS).index(kind) + 1, _encode_message(RELAY_KINDS[kind], fields))


def framed(body):
    """A body with its length in front, as it goes to the socket."""
    return len(body).to_bytes(4, "big") + body


def _encode_message(schema, fields):
    assert fields.keys() <= schema.keys(), fields.keys() - schema.keys()
    parts = []
    for number, (name, kind) in enumerate(schema.items(), 1):
        value = fields.get(name)
        if isinstance(kind, dict):
            parts += [field(number, _encode_message(kind, value))] if value is not None else []
        elif kind == []:
            parts += [field(number, item) for item in value or ()]
        elif value:
            parts.append(field(number, value))
    return b"".join(parts)


def field(number, value):
    """One field: a number or bool as a varint, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(int(value))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(number):
    """The shortest form; a negative number as its 64 bits."""
    number &= 2**64 - 1
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    groups.append(number)
    return bytes(groups)


# Decoding

def decode(body):
    """A client's frame. Raises Malformed, also if it is of no kind that a client sends."""
    frame = None
    kinds = list(CLIENT_KINDS)
    oddities = []
    for number, wire, content in _fields(body):
        if wire == 2 and number <= len(kinds):
            if frame:
                oddities.append("two kinds in one frame")
            kind = kinds[number - 1]
            frame = Frame(kind, _decode_message(CLIENT_KINDS[kind], content, oddities), oddities)
        else:
            oddities.append(f"unknown field {number} of wire type {wire} in the frame")
    if frame is None:
        raise Malformed("the frame is of no kind that a client of version 1 sends")
    return frame


def _decode_message(schema, data, oddities):
    fields = {name: [] if kind == [] else kind() for name, kind in schema.items()}
    columns = list(schema.items())
    seen = set()
    for number, wire, content in _fields(data):
        name, kind = columns[number - 1] if number <= len(columns) else (None, None)
        if name is None or wire != (0 if kind in (int, bool) else 2):
            oddities.append(f"unknown field {number} of wire type {wire}")
        elif kind == []:
            fields[name].append(_text(content))
        else:
            if name in seen:
                oddities.append(f"field {name} occurs twice")
            seen.add(name)
            fields[name] = _text(content) if kind is str else kind(content)
    if "version" in fields:
        fields["version"] &= 2**32 - 1
    return fields


def _fields(data):
    """Number, wire type and content of each field: an int for varints, bytes for the others."""
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise Malformed(f"field number {number}")
        if wire == 0:
            content, position = _read_varint(data, position)
        else:
            if wire == 2:
                size, position = _read_varint(data, position)
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
            else:
                raise Malformed(f"wire type {wire}")
            content, position = data[position:position + size], position + size
            if position > len(data):
                raise Malformed("a field that ends beyond its message")
        yield number, wire, content


def _read_varint(data, position):
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise Malformed("a varint that does not end")
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & 2**64 - 1, position
    raise Malformed("a varint of more than ten bytes")


def _text(content):
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Malformed(f"a string that is not UTF-8: {content[:40]!r}") from None
