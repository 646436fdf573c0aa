"""The settings of a client, and what an application may hang on to it."""
import logging
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from .frames import Message

DEFAULT_PATH = "/run/hubrelay/hubrelay.sock"
MIB = 1 << 20

Payload = Union[bytes, bytearray, memoryview, str]


@dataclass(frozen=True)
class Options:
    """Durations are in seconds, sizes in bytes. The defaults are right for a worker behind a web server."""

    events_bytes: int = 4 * MIB  #: What one subscription, or `events`, keeps for the application.
    queued_bytes: int = 64 * MIB  #: What all of them keep together.
    unsent_bytes: int = 16 * MIB  #: What the relay has not read yet. `send` is Congested above a sixteenth of it.
    unanswered: int = 10_000  #: Publishes without a Reply.
    gap_jitter: float = 2.0  #: A Gap comes up to this long after receiving again.
    partial_gap: float = 5.0  #: DEGRADED and not receiving for this long: a partial Gap.
    backoff_min: float = 0.02  #: Bound of the random delay before the first attempt to connect again; it doubles.
    backoff_max: float = 0.5
    backoff_hopeless: float = 30.0  #: After an answer that will not change by itself: VERSION, NOT_ALLOWED.
    good_connection: float = 5.0  #: A connection of this age makes the backoff begin anew.
    handshake: float = 5.0  #: For a relay to say Welcome.
    first_use: float = 1.0  #: What is asked for before the first attempt to connect has ended waits for that so long.
    successor: float = 0.25  #: For the next relay to say Welcome while one is STOPPING; for its fence; for publishes.
    drain: float = 8.0  #: For owed Replies, when a relay is left and when the client is closed.
    settle: float = 1.0  #: After this long the relay is asked what became of the `send`s.
    ping_owed: float = 5.0  #: Nothing read for this long while something is owed: a Ping.
    ping_idle: float = 15.0  #: The same while nothing is owed.
    ping_timeout: float = 5.0  #: No byte for this long after the Ping: the connection is given up.


class Hooks:
    """Called around publishes and deliveries, for tracing. Override what you need; do not block, do not raise.

    `before_publish` may return anything; `after_publish` gets it back, with the number of receivers or the error.
    `before_delivery` is called when a message is handed to the application, `after_delivery` when the application asks
    for the next one or closes.
    """

    def before_publish(self, channel: str, payload: Payload) -> Any:
        """A publish or a send begins."""

    def after_publish(self, context: Any, receivers: Optional[int], error: Optional[BaseException]) -> None:
        """It has ended. A send has no receivers and ends at once."""

    def before_delivery(self, message: Message) -> None:
        """The application is given this message."""

    def after_delivery(self, message: Message) -> None:
        """The application has done with this message."""


@dataclass
class Counters:
    """What a client has done. Each client needs its own."""

    sent: int = 0  #: Publishes and sends that were handed to the relay.
    failed: dict[str, int] = field(default_factory=dict)  #: By the error's name, "NotConnected".
    lost_messages: int = 0
    lost_publishes: int = 0  #: Sends that were lost, or may have been.
    gaps: int = 0
    reconnects: int = 0
    queued_bytes: int = 0  #: For the application, in all queues. A gauge.

    def fail(self, error: BaseException) -> None:
        """Counts a failure by the error's name."""
        name = type(error).__name__
        self.failed[name] = self.failed.get(name, 0) + 1


LOGGER = logging.getLogger("hubrelay")
LOGGER.addHandler(logging.NullHandler())  # says nothing unless the application has set up logging
