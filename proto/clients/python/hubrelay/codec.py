"""Encodes and decodes frames: a handwritten codec for the part of protobuf (proto3) that hubrelay.proto uses.

`encode` and `decode` handle every frame of both sides, by the tables of schema.py. `publish_frame`, `quick_reply` and
`quick_message` are faster, for the most frequent frames; `decode` reads what they do not recognise.
"""
from typing import Any, Optional, Union

from .frames import Cause, Code, Outcome, State, Status
from .schema import BOOL, BYTES, CLIENT_FRAME, FIELDS, RELAY_FRAME, STRING, STRINGS, UINT32, UINT64

_VARINTS = (UINT64, UINT32, BOOL, Outcome, State, Cause, Code)
_LENGTHS = tuple(bytes((number,)) for number in range(128))


class ProtocolError(ValueError):
    """Bytes that are not a valid frame. `code` is what a relay would answer."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code


def varint(number: int) -> bytes:
    """A number as protobuf writes it: 7 bits a byte, the lowest first."""
    if number < 0x80:
        return _LENGTHS[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if number < 0x200000:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    return bytes((number & 0x7F | 0x80,)) + varint(number >> 7)


def name_field(number: int, name: bytes) -> bytes:
    """A field of bytes: tag, length, content."""
    return varint(number << 3 | 2) + varint(len(name)) + name


def framed(body: bytes) -> bytes:
    """A body with its length in front."""
    return len(body).to_bytes(4, "big") + body


def encode(frame: Any) -> bytes:
    """The bytes of a frame of either side, with its length in front.

    Raises UnicodeEncodeError for a string that cannot be UTF-8.
    """
    kinds = CLIENT_FRAME if type(frame) in CLIENT_FRAME else RELAY_FRAME
    return framed(name_field(kinds.index(type(frame)) + 1, _content(frame)))


def _content(message: Any) -> bytes:
    parts: list[bytes] = []
    for number, (name, kind) in enumerate(FIELDS[type(message)], 1):
        value = getattr(message, name)
        if kind == STRINGS:
            parts.extend(name_field(number, item.encode()) for item in value)
        elif kind in _VARINTS:
            if value:
                parts.append(varint(number << 3) + varint(int(value)))
        elif kind in (STRING, BYTES):
            if value:
                parts.append(name_field(number, value.encode() if isinstance(value, str) else bytes(value)))
        elif value != kind():
            parts.append(name_field(number, _content(value)))
    return b"".join(parts)


def publish_frame(channel_field: bytes, payload: bytes, id: int) -> bytes:
    """A Publish with its length. `channel_field` is `name_field(1, channel)`, which callers should cache."""
    size = len(payload)
    head = channel_field + b"\x12" + varint(size) if size else channel_field
    tail = b"\x18" + varint(id) if id else b""
    inner = varint(len(head) + size + len(tail))
    length = 1 + len(inner) + len(head) + size + len(tail)
    return b"".join((length.to_bytes(4, "big"), b"\x12", inner, head, payload, tail))


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The number, cut to 64 bits, and the position behind it. Raises IndexError at the end of `data`, ValueError if it
    is too long."""
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
        if shift > 63:
            raise ValueError("a varint of more than ten bytes")


def decode(body: bytes, kinds: tuple[type, ...] = RELAY_FRAME) -> Optional[Any]:
    """The frame in `body`, or None if its kind is not known here. Raises ProtocolError."""
    frame, kind, content = None, 0, b""
    try:
        for number, value in _fields(body):
            if number <= len(kinds) and isinstance(value, bytes):
                _read(kinds[number - 1], value)
                # If there are several kinds, the last counts. A kind that comes twice in a row is merged: its contents
                # are joined and read as one.
                kind, content = number, content + value if number == kind else value
        frame = _read(kinds[kind - 1], content) if kind else None
    except (IndexError, ValueError) as error:
        raise ProtocolError(Code.MALFORMED, str(error)) from error
    return frame


def _fields(data: bytes) -> list[tuple[int, Union[int, bytes]]]:
    """Number and value of each field. Fields of fixed width are left out, since the schema does not use them."""
    found: list[tuple[int, Union[int, bytes]]] = []
    position, end = 0, len(data)
    while position < end:
        tag, position = _read_varint(data, position)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError(f"field number {number}")
        if wire == 0:
            value, position = _read_varint(data, position)
            found.append((number, value))
            continue
        if wire == 2:
            size, position = _read_varint(data, position)
            found.append((number, data[position:position + size]))
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        position += size
        if position > end:
            raise ValueError(f"field {number} ends beyond its message")
    return found


def _read(kind: type, data: bytes) -> Any:
    fields, status = FIELDS[kind], b""
    values: dict[str, Any] = {}
    for number, value in _fields(data):
        name, type_ = fields[number - 1] if number <= len(fields) else ("", None)
        if type_ is None or isinstance(value, int) != (type_ in _VARINTS):
            continue
        if isinstance(value, int):
            values[name] = (value if type_ == UINT64 else value & 0xFFFFFFFF if type_ == UINT32 else
                            value != 0 if type_ == BOOL else type_(_int32(value)))
        elif type_ == STRINGS:
            values[name] = (*values.get(name, ()), value.decode())
        elif type_ is Status:
            _read(Status, value)
            status += value  # a Status that comes twice is merged
            values[name] = _read(Status, status)
        else:
            values[name] = value if type_ == BYTES else value.decode()
    return kind(**values)


def _int32(value: int) -> int:
    """An enumeration's number, as a signed number of 32 bits."""
    return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def quick_reply(data: bytes, position: int, end: int) -> Optional[tuple[int, int]]:
    """Id and receivers of a Reply that is only OK. `position` is behind its tag. None: let `decode` read it."""
    if data[position] != end - position - 1 or data[position + 1] != 0x08:
        return None
    try:
        id, position = _read_varint(data, position + 2)
        if data[position] != 0x10 or data[position + 1] != 1:
            return None
        position += 2
        if position == end:
            return id, 0
        if data[position] != 0x18:
            return None
        receivers, position = _read_varint(data, position + 1)
    except (IndexError, ValueError):
        return None
    return (id, receivers) if position == end else None


def quick_message(data: bytes, position: int, end: int) -> Optional[tuple[bytes, bytes]]:
    """Channel and payload of a Message without pattern. `position` is behind its tag. None: let `decode` read it."""
    try:
        size, position = _read_varint(data, position)
        if position + size != end or data[position] != 0x0A or data[position + 1] > 0x7F:
            return None
        payload_tag = position + 2 + data[position + 1]
        channel = data[position + 2:payload_tag]
        if data[payload_tag] != 0x12:
            return None
        size, position = _read_varint(data, payload_tag + 1)
    except (IndexError, ValueError):
        return None
    return (channel, data[position:end]) if position + size == end else None


__all__ = ["CLIENT_FRAME", "FIELDS", "RELAY_FRAME", "ProtocolError", "decode", "encode", "framed", "name_field",
           "publish_frame", "quick_message", "quick_reply", "varint"]
