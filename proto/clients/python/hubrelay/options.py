"""The settings of a client, and the hooks and counters that an application may attach to it."""
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

    events_bytes: int = 4 * MIB  #: Limit of the queue of one subscription, or of `events`.
    queued_bytes: int = 64 * MIB  #: Limit of all these queues together.
    unsent_bytes: int = 16 * MIB  #: Limit of what the relay has not read. `send` is Congested above a sixteenth of it.
    unanswered: int = 10_000  #: Limit of the publishes that wait for a Reply.
    gap_jitter: float = 2.0  #: A Gap comes at most this long after the relay receives again.
    partial_gap: float = 5.0  #: A partial Gap comes when the relay is DEGRADED and not receiving for this long.
    backoff_min: float = 0.02  #: First bound of the random delay before an attempt to reconnect; it doubles.
    backoff_max: float = 0.5
    backoff_hopeless: float = 30.0  #: Largest bound after VERSION or NOT_ALLOWED, which do not change by themselves.
    good_connection: float = 5.0  #: After a connection of this age the backoff starts again from `backoff_min`.
    handshake: float = 5.0  #: Timeout for a relay's Welcome.
    first_use: float = 1.0  #: At most this long, requests wait for the outcome of the first attempt to connect.
    successor: float = 0.25  #: While a relay is STOPPING: timeout for the next Welcome, the fence, and held publishes.
    drain: float = 8.0  #: How long to wait for outstanding Replies when leaving a relay or closing the client.
    settle: float = 1.0  #: After this long the relay is asked for the outcome of the `send`s.
    ping_owed: float = 5.0  #: After this long without input, while an answer is outstanding, a Ping is sent.
    ping_idle: float = 15.0  #: The same while no answer is outstanding.
    ping_timeout: float = 5.0  #: If nothing is read for this long after the Ping, the connection is given up.


class Hooks:
    """Called around publishes and deliveries, for tracing. Override what you need; do not block, do not raise.

    `before_publish` may return anything; `after_publish` gets it back, with the number of receivers or the error.
    `before_delivery` is called when a message is handed to the application, `after_delivery` when the application asks
    for the next one or closes.
    """

    def before_publish(self, channel: str, payload: Payload) -> Any:
        """A publish or a send begins."""

    def after_publish(self, context: Any, receivers: Optional[int], error: Optional[BaseException]) -> None:
        """The publish or send has ended. A send has no number of receivers, and ends at once."""

    def before_delivery(self, message: Message) -> None:
        """The application gets this message."""

    def after_delivery(self, message: Message) -> None:
        """The application has finished with this message."""


@dataclass
class Counters:
    """Counts what a client has done. Each client needs its own Counters."""

    sent: int = 0  #: Publishes and sends that were handed to the relay.
    failed: dict[str, int] = field(default_factory=dict)  #: Number by the error's name, such as "NotConnected".
    lost_messages: int = 0
    lost_publishes: int = 0  #: Sends that were lost, or may have been lost.
    gaps: int = 0
    reconnects: int = 0
    queued_bytes: int = 0  #: Bytes that wait for the application now, in all queues. A gauge.

    def fail(self, error: BaseException) -> None:
        """Counts a failure by the error's name."""
        name = type(error).__name__
        self.failed[name] = self.failed.get(name, 0) + 1


LOGGER = logging.getLogger("hubrelay")
LOGGER.addHandler(logging.NullHandler())  # logs nothing unless the application has set up logging
