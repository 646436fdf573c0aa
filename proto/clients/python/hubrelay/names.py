"""The channels and patterns from which the application wants messages."""
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Optional

from .codec import name_field
from .errors import Invalid
from .queues import EventQueue

if TYPE_CHECKING:
    from .listening import Listener

MAX_NAME_BYTES = 512
MAX_CLIENT_NAME_BYTES = 64


def checked_name(name: str, what: str = "channel") -> bytes:
    """The name as UTF-8. Raises Invalid for a bad name: the relay would refuse all names of its request, or end the
    connection if it is not UTF-8."""
    try:
        data = name.encode()
    except UnicodeEncodeError as error:
        raise Invalid(f"the {what} cannot be written as UTF-8: {error.reason}") from None
    except AttributeError:
        raise Invalid(f"the {what} must be a str, not {type(name).__name__}") from None
    if not 0 < len(data) <= MAX_NAME_BYTES:
        raise Invalid(f"the {what} has {len(data)} bytes; 1 to {MAX_NAME_BYTES} are allowed")
    return data


def several(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns as a tuple. Raises Invalid for a single str, since its characters would become patterns."""
    if isinstance(patterns, (str, bytes)):
        raise Invalid(f"patterns must be a list, as in [{patterns!r}]")
    return tuple(patterns)


def checked_names(channels: Iterable[str], patterns: Iterable[str]) -> dict[tuple[bool, str], bytes]:
    """Maps (whether it is a pattern, the name) to the name's UTF-8, each name once. Raises Invalid."""
    names = {(False, text): checked_name(text) for text in channels}
    names.update({(True, text): checked_name(text, "pattern") for text in patterns})
    if not names:
        raise Invalid("no channel and no pattern is named")
    return names


class Name:
    """One channel or pattern, and those that want it."""

    __slots__ = ("text", "data", "is_pattern", "is_plain", "wants_plain", "listeners", "queues", "field")

    def __init__(self, text: str, data: bytes, is_pattern: bool) -> None:
        self.text, self.data, self.is_pattern = text, data, is_pattern
        self.is_plain = False  #: Whether `subscribe` has subscribed to it, by the last answer.
        self.wants_plain = False  #: The same, by the last request, which may be unanswered.
        # Both keep their order, and removal is fast, since a channel may have ten thousand listeners.
        self.listeners: dict[Listener, None] = {}
        self.queues: dict[EventQueue, None] = {}  #: Where its messages go.
        self.field = name_field(3 if is_pattern else 2, data)  #: Its field in a Subscribe.

    @property
    def is_wanted(self) -> bool:
        """Whether a caller has asked for it, and has not unsubscribed."""
        return self.wants_plain or bool(self.listeners)

    @property
    def is_held(self) -> bool:
        """Whether its messages are to be received: a request for it was granted, or waits for a relay."""
        return bool(self.queues)


class Names:
    """All names that are wanted, or have an unanswered request."""

    def __init__(self) -> None:
        self.channels: dict[bytes, Name] = {}
        self.patterns: dict[bytes, Name] = {}

    def __iter__(self) -> Iterator[Name]:
        yield from list(self.channels.values())
        yield from list(self.patterns.values())

    @property
    def holds_any(self) -> bool:
        """Whether the application is to receive any messages."""
        return any(name.queues for name in self.channels.values()) or any(
            name.queues for name in self.patterns.values())

    def checked(self, channels: Iterable[str], patterns: Iterable[str]) -> list[Name]:
        """The entries of these names, each once. Adds missing entries. Raises Invalid; then it has added nothing."""
        found = []
        for (is_pattern, text), data in checked_names(channels, patterns).items():
            table = self.patterns if is_pattern else self.channels
            if data not in table:
                table[data] = Name(text, data, is_pattern)
            found.append(table[data])
        return found

    def find(self, channels: Sequence[str], patterns: Sequence[str]) -> list[Name]:
        """The entries of those names that have one."""
        found: list[Optional[Name]] = [self.channels.get(text.encode()) for text in channels]
        found += [self.patterns.get(text.encode()) for text in patterns]
        return [name for name in found if name]

    def forget_unwanted(self, names: Iterable[Name]) -> None:
        """Drops the entries of names that nobody wants or receives."""
        for name in names:
            if not name.is_wanted and not name.is_plain and not name.queues:
                table = self.patterns if name.is_pattern else self.channels
                if table.get(name.data) is name:
                    del table[name.data]


def texts(names: Iterable[Name]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts of the channels, and those of the patterns."""
    names = list(names)
    return (tuple(name.text for name in names if not name.is_pattern),
            tuple(name.text for name in names if name.is_pattern))


def in_frames(names: Sequence[Name], max_frame_bytes: int) -> Iterator[list[Name]]:
    """The names in portions that each fit into one Subscribe or Unsubscribe."""
    room = max_frame_bytes - 32  # the frame's tag and length, and the id
    portion: list[Name] = []
    size = 0
    for name in names:
        if portion and size + len(name.field) > room:
            yield portion
            portion, size = [], 0
        portion.append(name)
        size += len(name.field)
    if portion:
        yield portion
