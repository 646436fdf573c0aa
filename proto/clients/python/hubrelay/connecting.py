"""How long to wait between attempts to connect, and how to detect a relay that hangs."""
import random
from typing import Optional

from .frames import Code, Error
from .options import Options

_RANDOM = random.SystemRandom()  # no two processes get the same numbers, however they were started


class Backoff:
    """The random delay before the next attempt: full jitter, up to a bound that doubles."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._bound = options.backoff_min
        self._hopeless_bound = 1.0

    def next(self, is_hopeless: bool = False) -> float:
        """The delay in seconds. `is_hopeless` means that the last answer will not change by itself: then the bound is
        longer, and the delay is at least half of it."""
        if is_hopeless:
            bound = min(self._hopeless_bound, self._options.backoff_hopeless)
            self._hopeless_bound = 2 * bound
            return _RANDOM.uniform(bound / 2, bound)
        self._hopeless_bound = 1.0
        bound, self._bound = self._bound, min(2 * self._bound, self._options.backoff_max)
        return _RANDOM.uniform(0, bound)

    def ended(self, seconds: float) -> None:
        """A connection that lasted `seconds` has ended."""
        if seconds >= self._options.good_connection:
            self._bound = self._options.backoff_min


def is_hopeless(error: Error) -> bool:
    """Whether the next attempt will get the same answer."""
    return error.code in (Code.VERSION, Code.NOT_ALLOWED)


class Watch:
    """Detects a relay that hangs: it is silent for some time (less while an answer is outstanding), and then does not
    answer a Ping."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def due(self, last_read: float, owed_since: Optional[float], ping_at: Optional[float]) -> float:
        """When the next step is due: the Ping, or, while a Ping is unanswered, the end of the connection."""
        if ping_at is not None:
            return ping_at + self._options.ping_timeout
        due = last_read + self._options.ping_idle
        if owed_since is not None:
            due = min(due, max(last_read, owed_since) + self._options.ping_owed)
        return due

    @property
    def period(self) -> float:
        """The longest time between two checks. If a request is made after one check, its Ping is not due before the
        next."""
        return min(self._options.ping_owed, self._options.ping_idle)
