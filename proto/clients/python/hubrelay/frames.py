"""The frames that client and relay exchange, and the events that the client reports to the application.

The classes follow hubrelay.proto, field by field. Times are in milliseconds since 1970 where the name says `unix_ms`.
If a newer relay sends a value of an enumeration that this package does not know, it keeps its number and does not equal
any member.
"""
import enum
from dataclasses import dataclass
from typing import NamedTuple


class _OpenEnum(enum.IntEnum):
    """An enumeration that accepts numbers it has no name for."""

    @classmethod
    def _missing_(cls, value: object) -> "_OpenEnum":
        if not isinstance(value, int):
            raise ValueError(f"{value!r} is not a {cls.__name__}")
        member = int.__new__(cls, value)
        member._name_, member._value_ = f"UNKNOWN_{value}", value
        return member


class Outcome(_OpenEnum):
    """How a request ended."""

    UNSPECIFIED = 0
    OK = 1
    PENDING = 2  #: Subscribe: the relay holds it, and it comes into force once the relay receives again.
    NOT_CONNECTED = 3  #: Publish: never sent, certainly not delivered.
    INTERRUPTED = 4  #: Publish: the connection or Redis failed before the answer; nobody knows if it was delivered.
    REFUSED = 5  #: Redis answered with an error.
    INVALID = 6  #: The request itself is wrong.
    LIMIT = 7  #: A limit on subscriptions is reached.


class State(_OpenEnum):
    """The state of the whole path through Redis and back. A state that has no name here counts as not UP."""

    UNSPECIFIED = 0
    UP = 1
    DEGRADED = 2
    DOWN = 3
    STOPPING = 4


class Code(_OpenEnum):
    """Why a relay ends a connection."""

    UNSPECIFIED = 0
    MALFORMED = 1
    FRAME_TOO_LARGE = 2
    HELLO_EXPECTED = 3
    VERSION = 4
    NOT_ALLOWED = 5
    TOO_MANY = 6
    TIMEOUT = 7


class Cause(_OpenEnum):
    """The cause of a Status or of a Loss. NO_RELAY comes from the client: it has no connection to a relay."""

    UNSPECIFIED = 0
    SLOW_READER = 1
    TOO_LARGE = 2
    BAD_NAME = 3
    NOT_CONNECTED = 4
    REFUSED = 5
    INVALID = 6
    STARTING = 16
    STOPPING = 17
    UNREACHABLE = 18
    CLOSED = 19
    TIMEOUT = 20
    AUTH = 21
    TLS = 22
    BUSY = 23
    DEMOTED = 24
    PROBE = 25
    PROTOCOL = 26
    TOPOLOGY = 27
    NO_RELAY = 28


# From the client.


@dataclass(frozen=True)
class Hello:
    """The first frame of a connection."""
    version: int = 0
    client_name: str = ""


@dataclass(frozen=True)
class Publish:
    """Publishes one payload to one channel. If it has an id, the relay answers with one Reply."""
    channel: str = ""
    payload: bytes = b""
    id: int = 0


@dataclass(frozen=True)
class Subscribe:
    """Asks for the messages of channels and patterns."""
    id: int = 0
    channels: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unsubscribe:
    """Ends subscriptions."""
    id: int = 0
    channels: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ping:
    """The relay answers it. With `settled`, it answers once all earlier publishes are answered."""
    id: int = 0
    settled: bool = False


# From the relay.


@dataclass(frozen=True)
class Status:
    """The state of the path. `connected` is false while there is no connection to a relay; `cause` is NO_RELAY then."""

    state: State = State.UNSPECIFIED
    reason: str = ""  #: For people.
    since_unix_ms: int = 0
    outages: int = 0
    down_ms: int = 0
    publishing: bool = False  #: Messages that are published now reach Redis.
    receiving: bool = False  #: The messages of all subscriptions are received.
    gaps: int = 0
    cause: Cause = Cause.UNSPECIFIED
    connected: bool = True  #: Not on the wire.


@dataclass(frozen=True)
class Welcome:
    """The answer to Hello."""
    version: int = 0
    relay_version: str = ""
    relay_id: str = ""
    max_frame_bytes: int = 0
    status: Status = Status()
    max_payload_bytes: int = 0
    features: tuple[str, ...] = ()


class Message(NamedTuple):
    """A message. `pattern` is the pattern that matched, or empty. (It is a tuple, since each delivery makes one.)"""

    channel: str = ""
    payload: bytes = b""
    pattern: str = ""


@dataclass(frozen=True)
class Reply:
    """The answer to one request with an id."""
    id: int = 0
    outcome: Outcome = Outcome.UNSPECIFIED
    receivers: int = 0
    detail: str = ""
    channels: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loss:
    """Reports exactly what was lost at this place in the order of events."""

    publishes: int = 0  #: `send`s that were certainly not delivered.
    messages: int = 0  #: Dropped messages for this client: read again from storage what must not be missed.
    reason: str = ""
    publishes_unknown: int = 0  #: `send`s that may have been delivered.
    cause: Cause = Cause.UNSPECIFIED
    local: bool = False  #: Not on the wire. True if this client has counted the loss, false if the relay has.


@dataclass(frozen=True)
class Error:
    """The last frame of a connection."""
    code: Code = Code.UNSPECIFIED
    detail: str = ""


@dataclass(frozen=True)
class Revoked:
    """Subscriptions that Redis has refused, or that the relay has no room for. The client does not ask for them
    again."""

    channels: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Gap:
    """Messages may have been missed before this event: read again from storage what must not be missed. This event
    comes from the client, not from the relay.

    `partial`: some channels have not been received for some time. Another Gap comes when all are received again.
    """

    reasons: tuple[str, ...] = ()
    partial: bool = False
