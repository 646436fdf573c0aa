"""The test vectors of proto/vectors, and their JSON form of a frame."""
import enum
import json

import wire
from harness import ROOT


def load(name):
    return json.loads((ROOT / "proto" / "vectors" / name).read_text())


def as_json(frame):
    """A frame of the client in the form in which the vectors write it."""
    return {type(frame).__name__.lower(): _values(frame)}


def _values(message):
    kind = type(message)
    values = {name: getattr(message, name) for name, _ in wire.FIELDS[kind]}
    return {name: _value(value) for name, value in values.items() if value != getattr(kind(), name)}


def _value(value):
    if isinstance(value, enum.IntEnum):
        prefix = type(value).__name__.upper()
        return int(value) if value.name.startswith("UNKNOWN_") else f"{prefix}_{value.name}"
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value < 1 << 53 else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, str) else _values(value)


def from_json(frame, kinds):
    """A frame of the client from the form in which the vectors write it."""
    (name, values), = frame.items()
    kind = next(kind for kind in kinds if kind.__name__.lower() == name)
    types = dict(wire.FIELDS[kind])
    return kind(**{name: _from(value, types[name]) for name, value in values.items()})


def _from(value, type_):
    if type_ == "bytes":
        return bytes.fromhex(value)
    return tuple(value) if isinstance(value, list) else int(value) if type_ == "uint64" else value
